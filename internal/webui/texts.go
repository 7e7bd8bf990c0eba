package webui

import (
	"fmt"
	"strings"
	"time"

	"attestd/verify"
)

// said is one result in words: what happened, and what to do next.
type said struct{ title, text, next string }

// words are everything that the page says in one language.
type words struct {
	Tag, Self                                  string
	Name                                       string
	Languages, Tabs, Notes                     string
	TabVerify, TabResend                       string
	HeadVerify, HeadResend                     string
	LeadVerify, LeadResend                     string
	SubmitVerify, SubmitResend, Busy           string
	Code, CodeHint, CodeFault                  string
	Mobile, MobileHint, MobileFault            string
	Tail, TailHint, TailFault                  string
	SumHint                                    string
	WaitFor, WaitOver, Units, Life             string
	LinkAgain, LinkResend, LinkVerify          string
	Advice                                     []string
	results                                    map[verify.Result]said
	reasons                                    map[string]said // of a final failure: text, and its own next step where it has one
	alreadyEnded, staleTitle, staleText, tries string
	lastTry, left, sum                         string
	digits                                     [10]string
}

var languages = map[string]*words{"zh": &chinese, "en": &english}

var chinese = words{
	Tag: "zh-CN", Self: "中文", Name: "备案短信核验", Languages: "语言", Tabs: "办理事项", Notes: "说明",
	TabVerify: "短信核验", TabResend: "重新发送验证码", HeadVerify: "短信核验", HeadResend: "重新发送验证码",
	LeadVerify:   "请填写短信中的验证码、接收短信的手机号码和证件号码后六位。",
	LeadResend:   "没有收到验证码？核对手机号码和证件号码后六位后，可再次发送。",
	SubmitVerify: "提交核验", SubmitResend: "重新发送", Busy: "正在提交，请稍候……",
	Code: "验证码", CodeHint: "短信中的六位数字", CodeFault: "请填写短信中的六位数字验证码。",
	Mobile: "手机号码", MobileHint: "备案时填写的手机号码，共十一位", MobileFault: "请填写以1开头的十一位手机号码。",
	Tail: "证件号码后六位", TailHint: "最后一位是字母X的也要填写；含括号的连同括号一起计算", TailFault: "请填写证件号码的最后六个字符，可含数字、字母和括号。",
	SumHint: "请用数字作答。这一步用来区分真人与程序。",
	WaitFor: "请等待：", WaitOver: "现在可以重新提交。", Units: "小时,分,秒,", Life: "%d小时,%d分钟",
	LinkAgain: "核验其他验证码", LinkResend: "重新发送验证码", LinkVerify: "去填写验证码",
	Advice: []string{
		"验证码自短信送达起%s内有效，累计填错%d次将被锁定。",
		"本系统使用普通手机号码发送短信，不会向您索取密码或款项。",
		"请勿将验证码告诉他人。",
	},
	results: map[verify.Result]said{
		verify.ResultPassed:        {"核验通过", "全部负责人均已完成核验，备案已进入下一环节。", "您无需再做任何操作，可以关闭本页。"},
		verify.ResultVerified:      {"核验通过", "您的信息已核验，正在等待其他负责人完成核验。", "您无需再做任何操作，可以关闭本页。"},
		verify.ResultAlready:       {"您已完成核验", "这条验证码已经核验通过。", "无需再次提交，可以关闭本页。"},
		verify.ResultWrong:         {"验证码不正确", "手机号码和证件号码后六位相符，但验证码有误。", "请查看最近一条短信，逐位核对后重新提交。"},
		verify.ResultFinal:         {"核验未通过", "这条验证码已不能再使用。", "请联系您的备案服务商重新提交备案。"},
		verify.ResultNoRecord:      {"没有找到待核验的记录", "手机号码与证件号码后六位不相符，或者核验已经结束。", "请核对后重新提交；仍不成功时，请联系您的备案服务商。"},
		verify.ResultFailed:        {"填写有误", "有内容未填写或格式不正确，本次不计入次数。", "请按下方提示修改后重新提交。"},
		verify.ResultNothingToSend: {"没有可以重新发送的验证码", "核验已经完成，或验证码已经失效。", "如果尚未完成核验，请联系您的备案服务商。"},
		verify.ResultSent:          {"验证码已重新发送", "短信通常在一分钟内送达，验证码与原有效期不变。", "收到后请填写验证码完成核验。"},
		verify.ResultSendCap:       {"发送次数已达上限", "这条验证码不能再次发送。", "请查找已收到的短信；没有收到时，请检查是否被拦截，或联系您的备案服务商。"},
		verify.ResultWait:          {"请稍候再试", "操作间隔过短，本次没有提交。", "等待结束后请重新提交。"},
		verify.ResultRateLimited:   {"请求过于频繁", "此网络或手机号码近期的请求次数过多，本次没有提交。", "等待结束后请重新提交，填错次数不会因此增加。"},
		verify.ResultProofRequired: {"请再确认一步", "暂时无法确认这次提交来自真人，本次没有提交。", "请回答表单最后的算式，然后重新提交。"},
		verify.ResultUnavailable:   {"系统暂时无法处理", "本次没有提交，填错次数不会因此增加。", "请稍后重新提交；已收到的验证码仍然可用。"},
	},
	reasons: map[string]said{
		verify.ReasonExpired:         {text: "验证码已超过有效期。"},
		verify.ReasonTooManyAttempts: {text: "填错次数已达上限，验证码已锁定。"},
		verify.ReasonUndeliverable:   {text: "短信一直未能送达，备案已退回。"},
		verify.ReasonFilingClosed:    {text: "其他负责人未通过核验，这份备案已退回。"},
		verify.ReasonCancelled:       {text: "这份备案已被撤销。", next: "如有疑问，请联系您的备案服务商。"},
		verify.ReasonSuperseded:      {text: "这份备案已被新提交的备案取代。", next: "请使用最新短信中的验证码。"},
		verify.ReasonAmended:         {text: "备案中您的手机号码或证件信息已更改，这条验证码随之作废。", next: "请按更改后的信息，使用最新短信中的验证码。"},
	},
	alreadyEnded: "与该手机号码和证件号码对应的核验此前已经完成。",
	staleTitle:   "请再提交一次", staleText: "页面打开时间过长或已经提交过，本次没有提交。内容已为您保留。",
	tries: "还可以尝试%d次。", lastTry: "这是最后一次机会，请仔细核对。", left: "验证码还有%s有效。", sum: "%s加%s等于几？",
	digits: [10]string{"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"},
}

var english = words{
	Tag: "en", Self: "English", Name: "ICP filing verification", Languages: "Language", Tabs: "What to do", Notes: "Notes",
	TabVerify: "SMS verification", TabResend: "Send code again", HeadVerify: "SMS verification", HeadResend: "Send the code again",
	LeadVerify:   "Enter the code from the SMS, the mobile number that received it, and the last 6 characters of your certificate.",
	LeadResend:   "No code yet? Enter your mobile number and the last 6 characters of your certificate to have it sent again.",
	SubmitVerify: "Verify", SubmitResend: "Send again", Busy: "Submitting, one moment…",
	Code: "Code", CodeHint: "The 6 digits in the SMS", CodeFault: "Enter the 6 digits of the code in the SMS.",
	Mobile: "Mobile number", MobileHint: "The 11-digit number given in the filing", MobileFault: "Enter a mainland mobile number: 11 digits that begin with 1.",
	Tail: "Last 6 characters of the certificate", TailHint: "A final X counts, and so do brackets", TailFault: "Enter the last 6 characters of the certificate number: digits, letters and brackets.",
	SumHint: "Answer in figures. This tells people from programs.",
	WaitFor: "Please wait: ", WaitOver: "You can submit again now.", Units: " h, min, s, ", Life: "%d hours,%d minutes",
	LinkAgain: "Verify another code", LinkResend: "Send the code again", LinkVerify: "Enter the code",
	Advice: []string{
		"A code is valid for %s after the SMS arrives. Entered wrongly %d times, it is locked.",
		"Our texts come from ordinary mobile numbers. We never ask for a password or a payment.",
		"Share the code with nobody.",
	},
	results: map[verify.Result]said{
		verify.ResultPassed:        {"Verified", "Everyone in charge has verified; the filing moves on.", "There is nothing more to do. You can close this page."},
		verify.ResultVerified:      {"Verified", "Your part is done. The filing waits for the other persons in charge.", "There is nothing more to do. You can close this page."},
		verify.ResultAlready:       {"Already verified", "This code has been verified before.", "There is nothing more to do. You can close this page."},
		verify.ResultWrong:         {"The code is wrong", "The mobile number and the certificate match, but the code does not.", "Check the latest SMS digit by digit and try again."},
		verify.ResultFinal:         {"Verification failed", "This code can no longer be used.", "Ask your filing provider to submit the filing again."},
		verify.ResultNoRecord:      {"No such record", "The mobile number and the certificate do not match, or the verification is over.", "Check both and try again. If it still fails, contact your filing provider."},
		verify.ResultFailed:        {"Something is missing or malformed", "Nothing was submitted and no try was used.", "Correct the fields marked below and submit again."},
		verify.ResultNothingToSend: {"There is no code to send again", "The verification is done, or the code is no longer valid.", "If you have not verified yet, contact your filing provider."},
		verify.ResultSent:          {"The code is on its way", "It usually arrives within a minute. Its deadline has not changed.", "Enter it as soon as you have it."},
		verify.ResultSendCap:       {"The code cannot be sent again", "The limit of messages for this code is reached.", "Look for the messages sent before, also among blocked ones, or contact your filing provider."},
		verify.ResultWait:          {"A little too soon", "Nothing was submitted.", "Submit again when the time is over."},
		verify.ResultRateLimited:   {"Too many requests", "This network or mobile number has made too many requests. Nothing was submitted.", "Submit again when the time is over. No try was used."},
		verify.ResultProofRequired: {"One more step", "We could not tell that this came from a person. Nothing was submitted.", "Answer the sum at the end of the form and submit again."},
		verify.ResultUnavailable:   {"Temporarily unavailable", "Nothing was submitted and no try was used.", "Submit again in a moment. The code that you have stays valid."},
	},
	reasons: map[string]said{
		verify.ReasonExpired:         {text: "The code has expired."},
		verify.ReasonTooManyAttempts: {text: "It was entered wrongly too often, and the code is locked."},
		verify.ReasonUndeliverable:   {text: "The SMS could not be delivered, and the filing was returned."},
		verify.ReasonFilingClosed:    {text: "Another person in charge did not verify, and the filing was returned."},
		verify.ReasonCancelled:       {text: "This filing was cancelled.", next: "If you did not expect that, ask your filing provider."},
		verify.ReasonSuperseded:      {text: "This filing was replaced by a newer one.", next: "Use the code in the latest SMS."},
		verify.ReasonAmended:         {text: "Your mobile number or certificate was changed in the filing, and this code went with it.", next: "Use the code in the latest SMS, with what is in the filing now."},
	},
	alreadyEnded: "The verification for this mobile number and certificate was completed before.",
	staleTitle:   "Please submit once more", staleText: "The page was open for too long, or was submitted before. Nothing was submitted; what you entered is kept.",
	tries: "%d tries are left.", lastTry: "One try is left: check the code with care.", left: "The code is valid for another %s.", sum: "What is %s plus %s?",
	digits: [10]string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"},
}

func (w *words) triesLeft(n int) string {
	if n == 1 {
		return w.lastTry
	}
	return fmt.Sprintf(w.tries, n)
}

// timeLeft is rounded down, so that nobody is promised a minute too many.
func (w *words) timeLeft(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d > time.Minute:
		d = d.Truncate(time.Minute)
	}
	return fmt.Sprintf(w.left, w.span(d))
}

func (w *words) question(a, b int) string { return fmt.Sprintf(w.sum, w.digits[a], w.digits[b]) }

// advice is the notes with the rules of the moment in them.
func (w *words) advice(r Rules) []string {
	hours, minutes, _ := strings.Cut(w.Life, ",")
	life := fmt.Sprintf(hours, r.Life/time.Hour)
	if r.Life%time.Hour != 0 || r.Life <= time.Hour {
		life = fmt.Sprintf(minutes, r.Life/time.Minute)
	}
	return append([]string{fmt.Sprintf(w.Advice[0], life, r.MaxWrong)}, w.Advice[1:]...)
}

// span writes a time to wait; page.js writes it the same way when it counts.
func (w *words) span(d time.Duration) string {
	s := int((d + time.Second - 1) / time.Second)
	units := strings.Split(w.Units, ",")
	var parts []string
	for i, n := range []int{s / 3600, s / 60 % 60, s % 60} {
		if n > 0 || i == 2 && s < 60 {
			parts = append(parts, fmt.Sprint(n)+units[i])
		}
	}
	return strings.Join(parts, units[3])
}
