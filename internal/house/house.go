// Package house holds the tests of the house itself: which room may import which, and what systemd thinks of the unit.
package house
