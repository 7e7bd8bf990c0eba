package verify

import (
	"fmt"
	"slices"
	"strings"
)

// changes checks what a change filing changes.
func (d *desk) changes(r FilingRequest) {
	if d.in.Type != "change" {
		if len(r.Changes) > 0 {
			d.fault("changes", "only a filing of type change has them")
		}
		return
	}
	if len(r.Changes) == 0 {
		d.fault("changes", "is missing: say what was changed, each as one of %s", list(changeParts()))
	}
	for i, c := range r.Changes {
		if i == maxChanges {
			d.fault("changes", "has %d entries, the most is %d", len(r.Changes), maxChanges)
			return
		}
		c.Part, c.Role, c.Site = Part(strings.TrimSpace(string(c.Part))), Role(strings.TrimSpace(string(c.Role))), strings.TrimSpace(c.Site)
		d.change(fmt.Sprintf("changes[%d]", i), c)
	}
}

func (d *desk) change(field string, c Change) {
	if !slices.Contains(changeParts(), c.Part) {
		d.fault(field+".part", "%s; it must be one of %s", given(string(c.Part)), list(changeParts()))
		return
	}
	if c.Part == PartNumber && c.Role == "" && len(d.in.Persons) == 1 {
		c.Role, c.Site = d.in.Persons[0].Role, d.in.Persons[0].Site
	}
	if c.Part == PartNumber && c.Role != EntityHead && c.Role != WebsiteHead {
		d.fault(field+".role", "%s; say whose number changed: %s", given(string(c.Role)), list([]Role{EntityHead, WebsiteHead}))
		return
	}
	if c.Part == PartNumber && c.Role == WebsiteHead && c.Site == "" && len(d.in.Sites) == 1 {
		c.Site = d.in.Sites[0].Name
	}
	if _, listed := d.site(c.Site); !listed && c.Site != "" && c.Role != EntityHead {
		d.fault(field+".site", "is no site of this order")
		return
	}
	d.in.Changes = append(d.in.Changes, c)
}

// require marks the persons who must verify, by the table, and says who is missing.
func (d *desk) require() {
	for _, rule := range rules {
		if rule.Type != d.in.Type {
			continue
		}
		if rule.Part == "" {
			d.must(rule, Change{})
			continue
		}
		for _, c := range d.in.Changes {
			if c.Part == rule.Part {
				d.must(rule, c)
			}
		}
	}
}

func (d *desk) must(r rule, c Change) {
	for _, who := range r.Must {
		switch who {
		case entityHead:
			d.mustVerify(r, EntityHead, "")
		case everySite:
			d.mustHeads(r, "")
		case changedSite:
			d.mustHeads(r, c.Site)
		case changedHead:
			d.mustVerify(r, c.Role, c.Site)
		}
	}
}

// mustHeads is for the head of one site, or of every site in the order.
func (d *desk) mustHeads(r rule, name string) {
	if name != "" {
		d.mustVerify(r, WebsiteHead, name)
		return
	}
	if len(d.in.Sites) == 0 {
		d.fault("persons", "the %s must be verified by the website head: add a person with role %s", r.Name, WebsiteHead)
	}
	for _, s := range d.in.Sites {
		d.mustVerify(r, WebsiteHead, s.Name)
	}
}

func (d *desk) mustVerify(r rule, role Role, name string) {
	for i := range d.in.Persons {
		p := &d.in.Persons[i]
		if p.Role == role && (role == EntityHead || p.Site == name) {
			p.Must = true
			return
		}
	}
	if role == WebsiteHead {
		d.fault("persons", "the %s must be verified by the head of each site, and %q has none: add a person with role %s and that site", r.Name, name, role)
		return
	}
	d.fault("persons", "the %s must be verified by the entity head: add a person with role %s", r.Name, role)
}

func changeParts() []Part {
	var all []Part
	for _, r := range rules {
		if r.Part != "" {
			all = append(all, r.Part)
		}
	}
	return all
}
