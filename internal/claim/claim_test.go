package claim

import "testing"

func TestTheMinistryIsRecognisedInWhateverFormItIsWritten(t *testing.T) {
	for _, text := range []string{
		"工信部", "工业和信息化部", "【工信部】验证码", "工業和信息化部", "12381", "miit", "MIIT", "beian.miit.gov.cn", "Ministry of Industry",
		"工\u200b信\u200b部", // zero width
		"工\u2060信\ufeff部", // word joiner, byte order mark
		"工\u202e信部",       // direction
		"工\ufe0f信\ufe0f部", // variation selectors
		"工\u3164信\u115f部", // Hangul fillers
		"工\U000e0020信部",   // tags
		"工 信 部", "工·信·部", "工-信-部", "工　信　部", "工|信|部", "工⊤信⊤部", "工👮信👮部", "工、信\n部",
		"⼯信部", // Kangxi radical
		"エ信部", "ｴ信部",
		"工信部\u20dd", "工\u0301信部", // enclosing, combining
		"㈠2381", "１２３８１", "1 2 3 8 1", "1-2-3-8-1", "１２ ３８１", "①②③⑧①", "❶❷❸❽❶", "𝟏𝟐𝟑𝟖𝟏", "१२३८१", "١٢٣٨١", "1️⃣2️⃣3️⃣8️⃣1️⃣",
		"l238l", "I238I", "一二三八一", "壹贰叁捌壹", "12381\u200b",
		"ＭＩＩＴ", "M I I T", "M.I.I.T.", "m-i-i-t", "ＭｉｉＴ", "ΜΙΙΤ", "МІІТ", "мІІт", "M11T", "Mllt", "rniit", "ⓂⒾⒾⓉ", "🄼🄸🄸🅃", "🅜🅘🅘🅣", "🅼🅸🅸🆃",
		"🇲🇮🇮🇹", "ᴍɪɪᴛ", "ḾÍÍŤ", "M|I|I|T", "MI\u00adIT", "MI-IT", "MⅠⅠT", "𝕄𝕀𝕀𝕋", "Minıstry", "М\u0456nistry", "MINI STRY", "ｍｉｎｉｓｔｒｙ",
	} {
		if !Ministry(text) {
			t.Errorf("%q passes, folded %q", text, fold(text))
		}
	}
}

func TestNamesThatOnlyComeNearTheMinistryPass(t *testing.T) {
	for _, text := range []string{
		"", "备案核验码：{code}，请在收到后{life}内填写，勿告诉他人。", "Filing code: {code}. Enter it within {life} of receipt. Share it with nobody.",
		"Xiaomi IT", "Xiaomi items", "submit it", "Miami IT services", "minister", "mini story", "admit", "Summit", "limit it",
		"手工信用社", "工信宝", "业信息化", "部门", "土信部", "1238", "12 38", "1月2日3:08 1人", "1a2b3c8d1", "example.cn", "中文网站名称八字",
		"张三的店", "العربية ١٢٣", "日本の店エハ",
	} {
		if Ministry(text) {
			t.Errorf("%q is taken for the ministry, folded %q", text, fold(text))
		}
	}
}

func TestDigitsAreThoseThatAPersonReads(t *testing.T) {
	for text, want := range map[string]string{
		"码１２３４５６": "码123456", "12\u200b3456": "123456", "①②③④⑤⑥": "123456", "१२३४५६": "123456", "1️⃣2": "12", "12 34": "12 34", "𝟎𝟗": "09", "❶❷": "12", "": "",
	} {
		if got := Digits(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"工\u200b信部", "🅜ⅰ|T", "\xff12381", "\xf3Ӱ", "エ\u3099", "⊤ | l", "ǆ ß ŉ İ ı", "ﷺ", "각"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := fold(s)
		if again := fold(once); again != once {
			t.Fatalf("%q folds to %q, and that to %q", s, once, again)
		}
		if Ministry(s) != Ministry(once) {
			t.Fatalf("%q is judged otherwise than %q", s, once)
		}
		if d := Digits(s); Digits(d) != d {
			t.Fatalf("the digits of %q: %q, and of that %q", s, d, Digits(d))
		}
	})
}
