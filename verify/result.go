package verify

import (
	"strings"
	"time"
)

// Result is a public result code. The numbers are those of the ministry's portal; from 900 on they are ours.
type Result int

// The result codes.
const (
	ResultPassed        Result = 3   // verified, and the last one
	ResultVerified      Result = 31  // verified; others are waited for
	ResultAlready       Result = 20  // already verified
	ResultWrong         Result = 2   // wrong; may try again
	ResultFinal         Result = 21  // final failure: locked, expired, filing closed
	ResultNoRecord      Result = 4   // no such record, or already done
	ResultFailed        Result = 0   // other failure, as a form error
	ResultNothingToSend Result = 100 // nothing to send again
	ResultSent          Result = 101 // sent again
	ResultSendCap       Result = 102 // no more sends
	ResultWait          Result = 901 // wait, with seconds
	ResultRateLimited   Result = 902
	ResultProofRequired Result = 903
	ResultUnavailable   Result = 904 // temporarily
)

// Text is a message in both languages.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// In gives the text in a language: Chinese unless English is asked for.
func (t Text) In(language string) string {
	if strings.HasPrefix(language, "en") {
		return t.EN
	}
	return t.ZH
}

// resultTexts are ours, in plain words.
var resultTexts = map[Result]Text{
	ResultPassed:        {"核验通过，全部负责人均已完成核验，备案将提交通信管理局审核。", "Verified. Everyone in charge has verified; the filing goes to the communications administration."},
	ResultVerified:      {"核验通过，请等待其他负责人完成核验。", "Verified. The filing waits for the other persons in charge."},
	ResultAlready:       {"您已完成核验，无需再次提交。", "You have already verified; nothing more is needed."},
	ResultWrong:         {"信息有误，请核对后重新提交。", "Something is wrong; check what you entered and try again."},
	ResultFinal:         {"核验失败：验证码已锁定、已过期或备案已关闭，请联系接入服务商。", "Verification has failed for good: the code is locked or expired, or the filing is closed. Ask your access provider."},
	ResultNoRecord:      {"没有待核验的记录，或备案已进入下一环节，请核对手机号码和证件号码后六位。", "There is no such record, or the filing has moved on; check the mobile number and the last 6 characters of the ID document."},
	ResultFailed:        {"提交的内容不完整或格式有误。", "What was submitted is incomplete or malformed."},
	ResultNothingToSend: {"没有需要重新发送的验证码。", "There is no code to send again."},
	ResultSent:          {"验证码已重新发送，请注意查收。", "The code has been sent again."},
	ResultSendCap:       {"重新发送次数已达上限。", "The code cannot be sent again: the limit is reached."},
	ResultWait:          {"操作过于频繁，请稍后再试。", "Too soon; wait a moment and try again."},
	ResultRateLimited:   {"请求次数超出限制，请稍后再试。", "Too many requests; try again later."},
	ResultProofRequired: {"请先完成人机验证。", "Show first that you are not a machine."},
	ResultUnavailable:   {"系统暂时无法处理，请稍后再试。", "Temporarily unavailable; try again later."},
}

// Message is the code in words.
func (r Result) Message() Text { return resultTexts[r] }

// OK says whether the code tells of success.
func (r Result) OK() bool {
	switch r {
	case ResultPassed, ResultVerified, ResultAlready, ResultSent:
		return true
	}
	return false
}

// Answer is what a person is told.
type Answer struct {
	Result    Result        `json:"result"`
	OK        bool          `json:"ok"` // this submission was right (an identical one included), or the code was sent
	Message   Text          `json:"message"`
	Reason    string        `json:"reason,omitempty"`     // of a final failure, when mobile and tail match
	TriesLeft *int          `json:"tries_left,omitempty"` // when mobile and tail match
	Wait      time.Duration `json:"wait,omitempty"`
	Work      int           `json:"work,omitempty"`      // zero bits of the proof of work that this phone needs just now
	Deadline  time.Time     `json:"deadline,omitzero"`   // of the code, when mobile and tail match and a network has taken it
	FilingID  string        `json:"filing_id,omitempty"` // when mobile and tail match exactly one filing
	Roles     []Role        `json:"roles,omitempty"`     // verified by this answer
	Fields    []FieldError  `json:"fields,omitempty"`    // what is malformed
}

func answer(r Result) Answer { return Answer{Result: r, OK: r.OK(), Message: r.Message()} }
