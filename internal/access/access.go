// Package access is who asks, what they may, and what they have had of their share: the words that the API, the store and
// the command line have in common. It travels in the context of a request, so that the row which tells who did a thing,
// and the one which counts that it was done, are written in the transaction that does it.
package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Scope is a right of a token. The words are stored, shown and given.
type Scope string

// The scopes there are. Anyone is that of an operation which asks for no token.
const (
	Messages Scope = "messages" // send, read and cancel messages
	Filings  Scope = "filings"  // file, read and cancel filings; send and check codes
	Inbox    Scope = "inbox"    // read what came in
	Read     Scope = "read"     // read everything but the audit log, change nothing
	Numbers  Scope = "numbers"  // see whole phone numbers in what the other scopes show
	Admin    Scope = "admin"    // everything

	Anyone Scope = ""
)

// All are the scopes that a token can have, in the order in which they are written.
var All = Scopes{Messages, Filings, Inbox, Read, Numbers, Admin}

// Platform is what a platform needs: it has the numbers that it hands in, and so needs no whole ones back.
var Platform = Scopes{Messages, Filings, Inbox, Read}

// Scopes are the rights of a token.
type Scopes []Scope

// Parse reads a list as "messages,filings".
func Parse(list string) (Scopes, error) {
	var s Scopes
	for _, word := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		if !slices.Contains(All, Scope(word)) {
			return nil, fmt.Errorf("there is no scope %q: give some of %s", word, strings.ReplaceAll(All.String(), ",", ", "))
		}
		s = append(s, Scope(word))
	}
	if len(s) == 0 {
		return nil, fmt.Errorf("no scope is given: give some of %s", strings.ReplaceAll(All.String(), ",", ", "))
	}
	if len(s.sorted()) == 1 && s[0] == Numbers {
		return nil, fmt.Errorf("%s shows whole numbers in what other scopes read, and allows nothing by itself: give it beside one of them", Numbers)
	}
	return s.sorted(), nil
}

func (s Scopes) sorted() (out Scopes) {
	for _, one := range All {
		if slices.Contains(s, one) {
			out = append(out, one)
		}
	}
	return out
}

// String is what Parse reads.
func (s Scopes) String() string {
	words := make([]string, len(s))
	for i, one := range s {
		words[i] = string(one)
	}
	return strings.Join(words, ",")
}

// Allow says whether one of any is among the rights. Admin is all of them.
func (s Scopes) Allow(any ...Scope) bool {
	return slices.Contains(s, Admin) || slices.ContainsFunc(any, func(one Scope) bool { return slices.Contains(s, one) })
}

// Caller is whose token a request came with.
type Caller struct {
	ID     string // of the token
	Name   string
	Tenant string // whose it is that the token makes
	Scopes Scopes
}

// Everyone is who asks for what is anybody's: queue.Everyone, verify.Everyone. No tenant has this name.
const Everyone = "*"

// Owner is for whom the caller asks for what there is: for the tenant, and who may do everything for everybody.
func (c Caller) Owner() string {
	if c.Scopes.Allow(Admin) {
		return Everyone
	}
	return c.Tenant
}

// Told says whether the caller is told of what is an owner's.
func (c Caller) Told(owner string) bool {
	asker := c.Owner()
	return asker == Everyone || asker != "" && (owner == asker || owner == Everyone)
}

// Actor is who does something. The zero Actor is the gateway itself.
type Actor struct {
	Kind string // one of the kinds below
	Name string // of the token, the user, or the door that a person came through

	Tenant string // of the token; "" for whoever has none
}

// The kinds of actors.
const (
	ByToken   = "token"
	ByUser    = "user"   // of a command on the gateway's machine
	ByPerson  = "person" // somebody at the public page, or with a phone
	ByGateway = "gateway"
)

type actorKey struct{}

// As names who does what is done under the context.
func As(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, actorKey{}, a) }

// Of is who does what is done under a context.
func Of(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	if a.Kind == "" {
		a.Kind = ByGateway
	}
	return a
}

// Use is one use of a share, as of the checks that one address may make: whose, under which purpose, is told by a keyed hash.
type Use struct {
	Key string
	At  time.Time

	WhenWrong bool // it counts only where what was entered was wrong
}

type usesKey struct{}

// Charge has uses written down with what is done under the context, in its transaction.
func Charge(ctx context.Context, uses []Use) context.Context {
	if len(uses) == 0 {
		return ctx
	}
	return context.WithValue(ctx, usesKey{}, uses)
}

// Charged are the uses to be written down.
func Charged(ctx context.Context) []Use {
	uses, _ := ctx.Value(usesKey{}).([]Use)
	return uses
}
