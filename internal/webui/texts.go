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
	Owner, NoCode, HaveCode                    string
	IsContact, NotContact, LinkContact         string
	HeadVerify, HeadResend, HeadContact        string
	LeadVerify, LeadResend, LeadContact        string
	SubmitVerify, SubmitResend, Busy           string
	Code, CodeHint, CodeFault                  string
	Mobile, MobileHint, MobileFault            string
	Tail, TailHint, TailFault                  string
	SumHint                                    string
	WaitFor, WaitOver, Units, Life             string
	LinkAgain, LinkResend, LinkVerify          string
	NowhereHead, NowhereLead                   string
	Advice                                     []string
	results                                    map[verify.Result]said
	contact                                    map[verify.Result]said // of a contact check, where it is told otherwise
	reasons                                    map[string]said        // of a final failure: text, and its own next step where it has one
	alreadyEnded, staleTitle, staleText, tries string
	lastTry, left, sum                         string
	digits                                     [10]string
}

var languages = map[string]*words{"zh": &chinese, "en": &english}

var chinese = words{
	Tag: "zh-CN", Self: "中文", Name: "备案短信核验", Languages: "语言", Tabs: "办理事项", Notes: "说明",
	Owner: "本页由%s提供", NoCode: "没有收到验证码？", HaveCode: "已有验证码？", HeadVerify: "填写短信验证码", HeadResend: "重新发送验证码",
	IsContact: "联系方式自查？", NotContact: "需要填写证件号码后六位？", LinkContact: "无需填写证件", HeadContact: "联系方式自查",
	LeadContact:  "互联网信息服务负责人收到自查短信后，请在此核验，无需填写证件号码。",
	LeadVerify:   "主体负责人、互联网信息服务负责人收到短信后，请在此核验。",
	LeadResend:   "核对以下两项后，验证码将再次发送到您的手机。",
	SubmitVerify: "提交核验", SubmitResend: "重新发送", Busy: "正在提交，请稍候……",
	Code: "短信验证码", CodeHint: "短信中的六位数字", CodeFault: "请填写短信中的六位数字验证码。",
	Mobile: "手机号码", MobileHint: "备案时填写的手机号码，共十一位", MobileFault: "请填写以1开头的十一位手机号码。",
	Tail: "证件号码后六位", TailHint: "末位的字母X和括号也要填写", TailFault: "请填写证件号码的最后六个字符，可含数字、字母和括号。",
	SumHint: "请用数字作答。这一步用来区分真人与程序。",
	WaitFor: "请等待：", WaitOver: "现在可以重新提交。", Units: "小时,分,秒,", Life: "%d小时,%d分钟",
	NowhereHead: "找不到这个页面", NowhereLead: "网址可能不完整，或页面已经移走。",
	LinkAgain: "核验其他验证码", LinkResend: "重新发送", LinkVerify: "填写验证码",
	Advice: []string{
		"验证码自短信送达起%s内有效，累计填错%d次将被锁定。",
		"本系统使用普通手机号码发送短信，不会向您索取密码或款项。",
		"请勿将验证码告诉他人。",
		"港澳居民来往内地通行证：浙江备案填背面的身份证件号码，其他省份填正面的通行证号码。",
	},
	results: map[verify.Result]said{
		verify.ResultPassed:        {"核验通过", "全部负责人均已完成核验，备案将提交通信管理局审核。", "您无需再做任何操作，可以关闭本页。"},
		verify.ResultVerified:      {"核验通过", "您的信息已核验，正在等待其他负责人完成核验。", "全部负责人完成后，备案才会进入下一环节。您可以关闭本页。"},
		verify.ResultAlready:       {"您已完成核验", "这条验证码已经核验通过。", "无需再次提交，可以关闭本页。"},
		verify.ResultWrong:         {"验证码不正确", "", "请对照最近一条短信重新填写。"},
		verify.ResultFinal:         {"核验未通过", "这条验证码已不能再使用。", "请联系为您办理备案的接入服务商。"},
		verify.ResultNoRecord:      {"没有找到待核验的记录", "填写的内容与待核验的记录不符，或备案已进入下一环节。", "请核对后重新提交；仍不成功时，请联系接入服务商。"},
		verify.ResultFailed:        {"有内容需要修改", "本次没有提交，不计入次数。", "请修改标出的内容。"},
		verify.ResultNothingToSend: {"没有可以重新发送的验证码", "核验已经完成，或验证码已经失效。", "如果尚未完成核验，请联系接入服务商。"},
		verify.ResultSent:          {"验证码已重新发送", "短信通常在一分钟内送达。验证码和有效期不变。", "收到后请填写验证码。"},
		verify.ResultSendCap:       {"发送次数已达上限", "这条验证码不能再次发送。", "请查看已收到和被拦截的短信，或联系接入服务商。"},
		verify.ResultWait:          {"请稍候再试", "操作间隔过短，本次没有提交。", "等待结束后请重新提交。"},
		verify.ResultRateLimited:   {"请求过于频繁", "此网络或手机号码近期的请求次数过多，本次没有提交。", "等待结束后请重新提交，填错次数不会因此增加。"},
		verify.ResultProofRequired: {"请再确认一步", "本次没有提交。", "请回答最后的算式，然后重新提交。"},
		verify.ResultUnavailable:   {"系统暂时无法处理", "本次没有提交，填错次数不会因此增加。", "请一分钟后重新提交；已收到的验证码仍然可用。"},
	},
	contact: map[verify.Result]said{
		verify.ResultPassed:   {"核验通过", "全部负责人均已完成核验，自查已经完成。", "您无需再做任何操作，可以关闭本页。"},
		verify.ResultVerified: {"核验通过", "您的手机号码已核验，正在等待其他负责人完成核验。", "您可以关闭本页。"},
		verify.ResultNoRecord: {"没有找到待核验的记录", "验证码、手机号码与待核验的自查记录不符，或核验已经结束。", "请核对后重新提交；需要再次发送验证码时，请联系接入服务商。"},
	},
	reasons: map[string]said{
		verify.ReasonExpired:         {text: "验证码已超过有效期。"},
		verify.ReasonTooManyAttempts: {text: "填错次数已达上限，验证码已锁定。"},
		verify.ReasonUndeliverable:   {text: "短信一直未能送达，备案已退回。"},
		verify.ReasonFilingClosed:    {text: "其他负责人未通过核验，这份备案已退回。"},
		verify.ReasonCancelled:       {text: "这份备案已被撤销。", next: "如有疑问，请联系接入服务商。"},
		verify.ReasonSuperseded:      {text: "这份备案已被新提交的备案取代。", next: "请使用最新短信中的验证码。"},
		verify.ReasonAmended:         {text: "备案中您的手机号码或证件信息已更改，这条验证码随之作废。", next: "请按更改后的信息，使用最新短信中的验证码。"},
	},
	alreadyEnded: "与该手机号码和证件号码对应的核验此前已经完成。",
	staleTitle:   "请再提交一次", staleText: "页面打开时间过长或已经提交过，本次没有提交。内容已为您保留。",
	tries: "还可以尝试%d次。", lastTry: "这是最后一次机会。", left: "验证码还有%s有效。", sum: "%s加%s等于几？",
	digits: [10]string{"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"},
}

var english = words{
	Tag: "en", Self: "English", Name: "ICP filing verification", Languages: "Language", Tabs: "What to do", Notes: "Notes",
	Owner: "This page is provided by %s", NoCode: "No code yet?", HaveCode: "Have a code?", HeadVerify: "Enter your SMS code", HeadResend: "Send the code again",
	IsContact: "Contact check?", NotContact: "Asked for your ID document?", LinkContact: "No ID document", HeadContact: "Contact check",
	LeadContact:  "Confirm your mobile number with the code. No ID document is asked for.",
	LeadVerify:   "For the persons in charge of an ICP filing.",
	LeadResend:   "The same code goes to your mobile number once more.",
	SubmitVerify: "Verify", SubmitResend: "Send again", Busy: "Submitting, one moment…",
	Code: "Code", CodeHint: "The 6 digits in the SMS", CodeFault: "Enter the 6 digits of the code in the SMS.",
	Mobile: "Mobile number", MobileHint: "The 11-digit number given in the filing", MobileFault: "Enter a mainland mobile number: 11 digits that begin with 1.",
	Tail: "Last 6 characters of your ID document", TailHint: "A final X counts, and so do brackets", TailFault: "Enter the last 6 characters of the number: digits, letters and brackets.",
	SumHint: "Answer in figures. This tells people from programs.",
	WaitFor: "Please wait: ", WaitOver: "You can submit again now.", Units: " h, min, s, ", Life: "%d hours,%d minutes",
	NowhereHead: "There is no such page", NowhereLead: "The address may be incomplete, or the page has moved.",
	LinkAgain: "Verify another code", LinkResend: "Send it again", LinkVerify: "Enter the code",
	Advice: []string{
		"A code is valid for %s after the SMS arrives. Entered wrongly %d times, it is locked.",
		"Our texts come from ordinary mobile numbers. We never ask for a password or a payment.",
		"Share the code with nobody.",
		"Hong Kong or Macao permit: filings in Zhejiang take the ID number on its back, others the permit number on its front.",
	},
	results: map[verify.Result]said{
		verify.ResultPassed:        {"Verified", "Everyone in charge has verified. The filing goes to the communications administration.", "There is nothing more to do. You can close this page."},
		verify.ResultVerified:      {"Verified", "Your part is done. The filing waits for the other persons in charge.", "It moves on when all have verified. You can close this page."},
		verify.ResultAlready:       {"Already verified", "This code has been verified before.", "There is nothing more to do. You can close this page."},
		verify.ResultWrong:         {"The code is wrong", "", "Enter it again as the latest SMS has it."},
		verify.ResultFinal:         {"Verification failed", "This code can no longer be used.", "Ask your access provider, who handles the filing."},
		verify.ResultNoRecord:      {"No such record", "What you entered fits no record that waits, or the filing has moved on already.", "Check it and try again. If it still fails, ask your access provider."},
		verify.ResultFailed:        {"Something needs correcting", "Nothing was submitted and no try was used.", "Correct what is marked."},
		verify.ResultNothingToSend: {"There is no code to send again", "The verification is done, or the code is no longer valid.", "If you have not verified yet, ask your access provider."},
		verify.ResultSent:          {"The code is on its way", "It usually arrives within a minute. Its deadline has not changed.", "Enter it as soon as you have it."},
		verify.ResultSendCap:       {"The code cannot be sent again", "The limit of messages for this code is reached.", "Look among received and blocked messages, or ask your access provider."},
		verify.ResultWait:          {"A little too soon", "Nothing was submitted.", "Submit again when the time is over."},
		verify.ResultRateLimited:   {"Too many requests", "This network or mobile number has made too many requests. Nothing was submitted.", "Submit again when the time is over. No try was used."},
		verify.ResultProofRequired: {"One more step", "Nothing was submitted.", "Answer the sum at the end and submit again."},
		verify.ResultUnavailable:   {"Temporarily unavailable", "Nothing was submitted and no try was used.", "Try again in a minute. The code that you have stays valid."},
	},
	contact: map[verify.Result]said{
		verify.ResultPassed:   {"Verified", "Everyone in charge has verified. The contact check is complete.", "There is nothing more to do. You can close this page."},
		verify.ResultVerified: {"Verified", "Your number is verified. The check waits for the other persons in charge.", "You can close this page."},
		verify.ResultNoRecord: {"No such record", "Code and mobile number fit no contact check that waits, or it is over.", "Check them and try again. For the code once more, ask your access provider."},
	},
	reasons: map[string]said{
		verify.ReasonExpired:         {text: "The code has expired."},
		verify.ReasonTooManyAttempts: {text: "It was entered wrongly too often, and the code is locked."},
		verify.ReasonUndeliverable:   {text: "The SMS could not be delivered, and the filing was returned."},
		verify.ReasonFilingClosed:    {text: "Another person in charge did not verify, and the filing was returned."},
		verify.ReasonCancelled:       {text: "This filing was cancelled.", next: "If you did not expect that, ask your access provider."},
		verify.ReasonSuperseded:      {text: "This filing was replaced by a newer one.", next: "Use the code in the latest SMS."},
		verify.ReasonAmended:         {text: "Your mobile number or ID document was changed in the filing, and this code went with it.", next: "Use the code in the latest SMS, with what is in the filing now."},
	},
	alreadyEnded: "The verification for this mobile number and ID document was completed before.",
	staleTitle:   "Please submit once more", staleText: "The page was open for too long, or was submitted before. Nothing was submitted; what you entered is kept.",
	tries: "%d tries are left.", lastTry: "One try is left.", left: "The code is valid for another %s.", sum: "What is %s plus %s?",
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
