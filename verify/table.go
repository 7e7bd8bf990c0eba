package verify

// FilingType is a type of filing, by the key that the API uses.
type FilingType string

// Role is what a person is in charge of.
type Role string

// The roles.
const (
	EntityHead  Role = "entity_head"
	WebsiteHead Role = "website_head"
)

// SiteKind is what kind of service a site is: filings cover apps and mini programs as well as websites.
type SiteKind string

// The kinds of site: 网站, APP, 小程序 and 快应用.
const (
	Website     SiteKind = "website"
	App         SiteKind = "app"
	MiniProgram SiteKind = "mini_program"
	QuickApp    SiteKind = "quick_app"
)

var siteKinds = []SiteKind{Website, App, MiniProgram, QuickApp}

// Part is a part of a record that a change filing can change.
type Part string

// The parts.
const (
	PartEntity  Part = "entity"
	PartWebsite Part = "website"
	PartNumber  Part = "number"
	PartRemark  Part = "remark"
)

// Change is one thing that a change filing changes. A changed website names its site (none: every site of the
// order). A changed number names whose it is: the role, and for a website head the site.
type Change struct {
	Part Part   `json:"part"`
	Role Role   `json:"role,omitempty"`
	Site string `json:"site,omitempty"`
}

// whom says which persons of a role must verify.
type whom uint8

const (
	entityHead  whom = iota // the entity's head
	everySite               // the head of every site in the order
	changedSite             // the head of the site that the change names, or of every site
	changedHead             // the person whose number changed, at the new number
)

// rule is one row of the table: who must verify for a filing type, and for a change filing by what was changed.
type rule struct {
	Type FilingType
	Part Part // only for change filings
	Must []whom
	Name string
}

// rules is the whole of who must verify. A filing must satisfy every row that speaks of it.
var rules = []rule{
	{Type: "first", Must: []whom{entityHead, everySite}, Name: "first filing"},
	{Type: "additional_website", Must: []whom{everySite}, Name: "additional website"},
	{Type: "access", Must: []whom{everySite}, Name: "access filing"},
	{Type: "change", Part: PartEntity, Must: []whom{entityHead}, Name: "change of the entity"},
	{Type: "change", Part: PartWebsite, Must: []whom{changedSite}, Name: "change of a website"},
	{Type: "change", Part: PartNumber, Must: []whom{changedHead}, Name: "change of a number"},
	{Type: "change", Part: PartRemark, Name: "change of a remark"},
	{Type: "entity_cancellation", Must: []whom{entityHead}, Name: "entity cancellation"},
	{Type: "website_cancellation", Must: []whom{everySite}, Name: "website cancellation"},
	{Type: "access_cancellation", Name: "access cancellation"},
	{Type: ContactCheck, Must: []whom{everySite}, Name: "contact check"},
}

// onRecord are the types in which the number on the existing record counts: another one is not verified there, but in a
// filing that
// changes the record (change, additional_website). access_cancellation is not among them, for nobody verifies in it.
var onRecord = map[FilingType]bool{"access": true, "entity_cancellation": true, "website_cancellation": true, ContactCheck: true}

// ContactCheck is the self-check of the contacts on existing records: it asks for no tail of an ID document.
const ContactCheck FilingType = "contact_check"

// noTail stands where a tail would for who is asked for none. It has a character that no tail has.
const noTail = "-"

// FilingTypes lists the known types in the table's order.
func FilingTypes() []FilingType {
	var all []FilingType
	for _, r := range rules {
		if len(all) == 0 || all[len(all)-1] != r.Type {
			all = append(all, r.Type)
		}
	}
	return all
}
