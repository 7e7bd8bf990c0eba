package msisdn

import "testing"

func TestThePrefixOfANumberTellsNotWhoseItIs(t *testing.T) {
	for number, want := range map[string]string{
		"13800138000":    "+86138",
		"+8619912345678": "+86199",
		"+862112345678":  "+86", // no mobile
		"+13105550123":   "+1",  // its eleven digits look like a mainland mobile's
		"+79161234567":   "+7",
		"+442071234567":  "+44",
		"+85298765432":   "+852",
		"+33612345678":   "+33",
	} {
		n, err := Parse(number, "86")
		if err != nil {
			t.Fatal(number, err)
		}
		if got := n.Prefix(); got != want {
			t.Errorf("%s: %s, want %s", number, got, want)
		}
	}
	if p := (Number{}).Prefix(); p != "" {
		t.Errorf("no number has the prefix %q", p)
	}
}
