module github.com/sluiceproxy/sluice

go 1.26

replace github.com/molecule-man/go-brrr => github.com/molecule-man/go-brrr v1.0.1
