package webui_test

import (
	"fmt"
	"testing"
)

func TestAContactCheckIsDoneWithoutATailInTheBrowser(t *testing.T) {
	browser := chromium(t)
	r := gateway(t, nil)
	for i, s := range seats() {
		if s.width > 600 {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			mobile := fmt.Sprintf("1351239%02d01", i)
			code := submit(t, r, map[string]any{"type": "contact_check", "persons": []any{
				map[string]any{"role": "website_head", "name": "李强", "mobile": mobile, "site": "site.cn"},
			}}, mobile)[mobile]
			b := open(t, browser, s, r.URL)
			say := func(zh, en string) string { return map[string]string{"zh": zh, "en": en}[s.lang] }
			b.visit("/")
			b.follow(".tabs a[href^=contact]")
			b.check("contact-1-start")
			b.fill("code", wrong(code, 0), "mobile", mobile)
			if got := b.send(); got != "4" {
				t.Fatalf("a wrong code: %s", got)
			}
			b.shows(say("自查记录不符", "no contact check that waits"))
			b.check("contact-2-no-record")
			b.fill("code", code, "mobile", mobile)
			if got := b.send(); got != "3" {
				t.Fatalf("the right code: %s", got)
			}
			b.shows(say("自查已经完成", "The contact check is complete"))
			b.check("contact-3-passed")
		})
	}
}
