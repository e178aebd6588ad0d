package main

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// chart is what is drawn as one SVG.
type chart struct {
	file, title string
	x, y        axis
	series      []series
}

// axis is one of a chart's two.
type axis struct {
	label string // with the unit
	log   bool   // logarithmic; only values above 0 are drawn then
	zero  bool   // a linear one begins at 0
	tick  func(float64) string
}

// series is one line of a chart.
type series struct {
	name, colour string
	dashed       bool
	points       []point
}

type point struct{ x, y float64 }

// The drawing and, within it, the rectangle of the axes, in pixels.
const (
	chartWidth, chartHeight = 760, 440
	plotLeft, plotRight     = 80, 600
	plotTop, plotBottom     = 50, 380
)

// svg draws the chart. The background is drawn too, so that it can be read
// wherever it is shown.
func (c chart) svg() string {
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="13" fill="#222">
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="%d" y="28" font-size="16" font-weight="bold">%s</text>
`, chartWidth, chartHeight, plotLeft, html.EscapeString(c.title))
	x := c.x.scale(c.values(func(p point) float64 { return p.x }), plotLeft, plotRight)
	y := c.y.scale(c.values(func(p point) float64 { return p.y }), plotBottom, plotTop)
	for _, v := range x.ticks {
		fmt.Fprintf(&out, `<path d="M%.1f %d V%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			x.at(v), plotTop, plotBottom, x.at(v), plotBottom+20, html.EscapeString(c.x.tick(v)))
	}
	for _, v := range y.ticks {
		fmt.Fprintf(&out, `<path d="M%d %.1f H%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			plotLeft, y.at(v), plotRight, plotLeft-8, y.at(v)+4, html.EscapeString(c.y.tick(v)))
	}
	fmt.Fprintf(&out, `<path d="M%d %d V%d H%d" fill="none" stroke="#222"/>`+"\n", plotLeft, plotTop, plotBottom, plotRight)
	fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (plotLeft+plotRight)/2, plotBottom+44, html.EscapeString(c.x.label))
	fmt.Fprintf(&out, `<text transform="translate(22 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (plotTop+plotBottom)/2, html.EscapeString(c.y.label))
	for i, s := range c.series {
		s.draw(&out, x, y, plotTop+10+22*i)
	}
	out.WriteString("</svg>\n")
	return out.String()
}

// draw draws the line, its points, and its entry in the legend at that height.
func (s series) draw(out *strings.Builder, x, y scale, legend int) {
	style := fmt.Sprintf(`stroke="%s" stroke-width="2"`, s.colour)
	if s.dashed {
		style += ` stroke-dasharray="6 4"`
	}
	var line, dots strings.Builder
	for _, p := range s.points {
		fmt.Fprintf(&line, " %.1f,%.1f", x.at(p.x), y.at(p.y))
		fmt.Fprintf(&dots, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`, x.at(p.x), y.at(p.y), s.colour)
	}
	fmt.Fprintf(out, `<polyline points="%s" fill="none" %s/>%s`+"\n", strings.TrimSpace(line.String()), style, dots.String())
	fmt.Fprintf(out, `<path d="M%d %d h26" %s/><text x="%d" y="%d">%s</text>`+"\n",
		plotRight+16, legend, style, plotRight+48, legend+4, html.EscapeString(s.name))
}

// values are those of all points along one axis.
func (c chart) values(of func(point) float64) []float64 {
	var all []float64
	for _, s := range c.series {
		for _, p := range s.points {
			all = append(all, of(p))
		}
	}
	return all
}

// scale says where along an axis a value is drawn.
type scale struct {
	ticks    []float64
	low      float64 // the value at from, as its logarithm on a logarithmic axis
	high     float64
	from, to float64 // pixels
	log      bool
}

func (s scale) at(v float64) float64 {
	if s.log {
		v = math.Log10(max(v, math.SmallestNonzeroFloat64))
	}
	share := min(max((v-s.low)/(s.high-s.low), 0), 1)
	return s.from + share*(s.to-s.from)
}

// scale makes room for values between the pixels from and to.
func (a axis) scale(values []float64, from, to float64) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !a.log || v > 0 {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		low, high = 1, 10
	}
	s := scale{from: from, to: to, log: a.log}
	if a.log {
		s.low, s.high, s.ticks = logTicks(low, high)
		return s
	}
	if a.zero {
		low = min(low, 0)
	}
	step := niceStep((high - low) / 6)
	first, last := math.Floor(low/step), math.Ceil(high/step)
	if first == last {
		last++
	}
	for i := first; i <= last; i++ {
		s.ticks = append(s.ticks, i*step)
	}
	s.low, s.high = first*step, last*step
	return s
}

// logTicks returns the logarithms between which values from low to high are
// drawn, each of 1, 2 or 5 times a power of ten, and ticks: all of those, or only
// the powers where they are many.
func logTicks(low, high float64) (from, to float64, ticks []float64) {
	var all []float64
	for exponent := math.Floor(math.Log10(low)); exponent <= math.Ceil(math.Log10(high)); exponent++ {
		for _, step := range []float64{1, 2, 5} {
			all = append(all, step*math.Pow(10, exponent))
		}
	}
	// From the last that is not above to the first that is not below.
	begin, end := 0, len(all)-1
	for begin+1 < len(all) && all[begin+1] <= low {
		begin++
	}
	for end-1 > begin && all[end-1] >= high {
		end--
	}
	for i, v := range all[:end+1] {
		if i >= begin && (i%3 == 0 || high/low < 1000) {
			ticks = append(ticks, v)
		}
	}
	return math.Log10(all[begin]), math.Log10(all[end]), ticks
}

// niceStep is the least of 1, 2 and 5 times a power of ten that is not below v.
func niceStep(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 5} {
		if step*power >= v {
			return step * power
		}
	}
	return 10 * power
}

// number writes a value of an axis: 2000 as 2,000, 0.1 as it is.
func number(v float64) string {
	digits := strconv.FormatFloat(v, 'f', -1, 64)
	if v != math.Trunc(v) {
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// size writes a number of bytes.
func size(v float64) string {
	for _, unit := range []string{"B", "KB", "MB"} {
		if v < 1000 {
			return number(v) + " " + unit
		}
		v /= 1000
	}
	return number(v) + " GB"
}
