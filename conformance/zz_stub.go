package main

var targetGroups []Group
var transparencyGroups []Group
var forwardingGroups []Group
var responseGroups []Group
var connectionGroups []Group
var streamGroups []Group
var hostileGroups []Group
