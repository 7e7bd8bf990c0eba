package access

import (
	"context"
	"testing"
)

func TestScopesAreReadWrittenAndUnderstood(t *testing.T) {
	for list, want := range map[string]string{"read,messages": "messages,read", " inbox , inbox": "inbox", "admin": "admin", "numbers,inbox": "inbox,numbers", All.String(): All.String()} {
		if s, err := Parse(list); err != nil || s.String() != want {
			t.Errorf("%q: %s, %v", list, s, err)
		}
	}
	for _, list := range []string{"", ",", "Admin", "messages,write", "numbers", "numbers,numbers"} {
		if s, err := Parse(list); err == nil {
			t.Errorf("%q is %s", list, s)
		}
	}
	if !(Scopes{Admin}).Allow(Inbox) || (Scopes{Read}).Allow(Admin) || (Scopes{Read, Messages}).Allow(Inbox, Filings) || !(Scopes{Messages}).Allow(Read, Messages) || (Scopes{}).Allow(Read) {
		t.Error("who may what")
	}
	if (Scopes{""}).Allow(Read, Admin) || (Scopes{"superuser"}).Allow(Read) {
		t.Error("what is no scope allows something")
	}
}

func TestWhoeverIsNotNamedIsTheGateway(t *testing.T) {
	ctx := context.Background()
	if Of(ctx).Kind != ByGateway || Charged(ctx) != nil || Of(As(ctx, Actor{Kind: ByToken, Name: "a"})).Name != "a" || len(Charged(Charge(ctx, []Use{{Key: "k"}}))) != 1 {
		t.Error("actors and uses")
	}
}
