package verify

import (
	"strings"
	"testing"
)

func TestEveryTemplateHasAPreviewAndAFaultWhereItBreaksTheRuleOfOneSMS(t *testing.T) {
	long := strings.Repeat("请", 60) + "{code}"
	ts := Templates{ZH: Texts{Code: long}, WebOTP: "v.example.cn"}
	all := ts.Previews()
	if len(all) != 6 {
		t.Fatal(len(all))
	}
	for _, p := range all {
		if !strings.Contains(p.Text, worstCode) || !strings.HasSuffix(p.Text, "\n@v.example.cn #"+worstCode) || strings.ContainsAny(p.Text, "{}") {
			t.Errorf("%s: %q", p.path(), p.Text)
		}
		if faulty := p.path() == "verify.templates.zh.code"; faulty != strings.Contains(p.Fault, "takes 2 SMS") {
			t.Errorf("%s: %q", p.path(), p.Fault)
		}
	}
	if _, err := New(nil, nil, DefaultPolicy(), ts); err == nil || !strings.Contains(err.Error(), "verify.templates.zh.code: takes 2 SMS") {
		t.Error(err)
	}
	ts.Long = true
	if _, err := New(nil, nil, DefaultPolicy(), ts); err != nil {
		t.Error(err)
	}
	if text := ts.withDefaults().render(long, "zh", fill{code: "123456"}); !strings.Contains(text, "123456") {
		t.Error(text)
	}
}
