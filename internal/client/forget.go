package client

// Forget says who is to be forgotten.
type Forget struct {
	Number string `json:"number"`
	Force  bool   `json:"force,omitempty"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// Forgotten is what was erased.
type Forgotten struct {
	DryRun    bool           `json:"dry_run"`
	Rows      map[string]int `json:"rows"`
	Cancelled struct {
		Filings    []string `json:"filings"`
		Challenges []string `json:"challenges"`
		Messages   []string `json:"messages"`
	} `json:"cancelled"`
	Scrubbed bool `json:"scrubbed"`
}
