package webui

import (
	"net/http"
	"strings"
)

// Nowhere tells a person that there is no such page, and leads to the one there is. Its links are relative, as all are:
// they climb
// from wherever the address points to.
func (p *Page) Nowhere() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, d := p.words(r), p.now.Load()
		up := strings.Repeat("../", max(0, strings.Count(r.URL.Path, "/")-1))
		v := p.dressed(text, d, "")
		v.Heading, v.Lead = text.NowhereHead, text.NowhereLead
		v.Go = &link{Href: up + here(r, tabVerify), Name: text.LinkVerify}
		v.Style, v.Script, v.Icon = up+v.Style, up+v.Script, up+v.Icon
		if v.Logo != "" {
			v.Logo = up + v.Logo
		}
		p.write(w, v, http.StatusNotFound)
	})
}
