package client

// Unlock brings a PIN.
type Unlock struct {
	PIN string `json:"pin"`
}

// Unlocked is what came of it.
type Unlocked struct {
	Modem       string `json:"modem"`
	Unlocked    bool   `json:"unlocked"`
	TriesBefore *int   `json:"tries_before,omitempty"`
	TriesAfter  *int   `json:"tries_after,omitempty"`
	Detail      string `json:"detail,omitempty"`
}
