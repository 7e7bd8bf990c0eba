package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"attestd/internal/seal"
	"attestd/queue"
	"attestd/verify"
)

// benchService is the rules over a durable database, without a modem.
func benchService(b *testing.B) (*Store, *verify.Service) {
	keys := seal.Random()
	s, err := Open(context.Background(), Options{URL: "sqlite://" + filepath.Join(b.TempDir(), "b.db"), Keys: keys})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	v, err := verify.New(s.Verify(queue.DefaultPolicy), keys, verify.DefaultPolicy(), verify.Templates{})
	if err != nil {
		b.Fatal(err)
	}
	return s, v
}

func mobileNo(i int) string { return fmt.Sprintf("139%08d", i) }

func person(i int) verify.FilingRequest {
	r := onePerson()
	r.Reference = fmt.Sprint("order-", i)
	r.Persons[0].Mobile = mobileNo(i)
	return r
}

// BenchmarkCreateFiling is a filing of one person with its SMS, durable.
func BenchmarkCreateFiling(b *testing.B) {
	_, v := benchService(b)
	for i := 0; b.Loop(); i++ {
		if _, _, err := v.CreateFiling(b.Context(), person(i)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCheck is a right check, durable, of as many persons as there are runs.
func BenchmarkCheck(b *testing.B) {
	s, v := benchService(b)
	var codes []string
	for i := range b.N {
		f, _, err := v.CreateFiling(b.Context(), person(i))
		if err != nil {
			b.Fatal(err)
		}
		m, err := s.Message(b.Context(), queue.Everyone, f.Challenges[0].LastSMS)
		if err != nil {
			b.Fatal(err)
		}
		codes = append(codes, codeIn.FindString(m.Text))
	}
	b.ResetTimer()
	for i := range b.N {
		a, err := v.Check(b.Context(), verify.CheckRequest{Code: codes[i], Mobile: mobileNo(i), Tail: tailA})
		if err != nil || a.Result != verify.ResultPassed {
			b.Fatal(a, err)
		}
	}
}

// BenchmarkWrongCheck is a wrong entry for a phone that is known, and for one that is not: they take the same.
func BenchmarkWrongCheck(b *testing.B) {
	for _, known := range []bool{true, false} {
		b.Run(fmt.Sprintf("known=%t", known), func(b *testing.B) {
			_, v := benchService(b)
			for i := range b.N {
				if known {
					if _, _, err := v.CreateFiling(b.Context(), person(i)); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ResetTimer()
			for i := range b.N {
				a, err := v.Check(b.Context(), verify.CheckRequest{Code: "123456", Mobile: mobileNo(i), Tail: "999999"})
				if err != nil || a.Result != verify.ResultNoRecord {
					b.Fatal(a, err)
				}
			}
		})
	}
}
