// Package simulator is a pretend radio network with pretend modems: behind each pty or connection an ME with a
// SIM, in front of it a message centre and handsets, and beside it a ledger of what went on air.
package simulator
