package verify

// What a filing's state and reason mean to those who only ask how it stands.

// The status of a filing in the three words of access platforms (WeChat); 0 for a filing that is none of theirs any
// more.
const (
	AccessWaiting  = 1
	AccessDone     = 2
	AccessTimedOut = 3
)

// AccessStatus is the filing's state as access platforms count: waiting, done, timed out. A filing that was cancelled
// or superseded
// is none of these.
func (f Filing) AccessStatus() int {
	switch f.State {
	case FilingReceived, FilingVerifying:
		return AccessWaiting
	case FilingPassed, FilingNotRequired:
		return AccessDone
	case FilingRejected:
		if f.Reason == ReasonSuperseded {
			return 0
		}
		return AccessTimedOut
	case FilingCancelled:
	}
	return 0
}

var reasonTexts = map[string]Text{
	ReasonExpired:         {"有负责人未在有效期内完成核验，备案已退回。", "A person in charge did not verify in time, and the filing was returned."},
	ReasonTooManyAttempts: {"有负责人填错次数达到上限，备案已退回。", "A person in charge entered the code wrongly too often, and the filing was returned."},
	ReasonUndeliverable:   {"短信一直未能送达，备案已退回，请确认手机号码可用。", "The SMS could not be delivered, and the filing was returned: make sure that the number is in use."},
	ReasonCancelled:       {"备案已撤销。", "The filing was cancelled."},
	ReasonSuperseded:      {"备案已被新提交的备案取代。", "A newer filing took its place."},
}

// recordTexts are added where the number and the ID document on the existing record count.
var (
	recordText = Text{"此类备案以已有备案登记的手机号码为准；号码已不再使用的，请先提交变更备案。", "In a filing of this type the number on the existing record counts: if it is no longer in use, file a change first."}
	accessText = Text{
		"接入备案以已有备案登记的手机号码和证件为准；号码已不再使用的，请先在原接入商处变更。没有接入商的空壳备案不能接入：请注销后重新提交新增网站。",
		"In an access filing the number and the ID document on the existing record count: if that number is no longer in use, have it changed at the present provider first. " +
			"A shell record, which has no provider, cannot be accessed: cancel it and file an additional website.",
	}
)

// ReasonText says why a filing was rejected or cancelled and what to do next, empty while it has no reason.
func (f Filing) ReasonText() Text {
	t := reasonTexts[f.Reason]
	if t.ZH == "" || f.State != FilingRejected || f.Reason == ReasonSuperseded {
		return t
	}
	more := Text{}
	switch {
	case f.Type == "access":
		more = accessText
	case onRecord[f.Type]:
		more = recordText
	default:
		return t
	}
	return Text{t.ZH + more.ZH, t.EN + " " + more.EN}
}
