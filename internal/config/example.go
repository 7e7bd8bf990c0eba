package config

import _ "embed" // the manual travels with the program

// Example is config.example.toml: every key with its default, explained.
//
//go:embed config.example.toml
var Example string
