package claim

// similar are the characters that look like those of the ministry's names, by the one that each is taken for: every
// line of
// confusables.txt (UTS 39, version 13.0.0) whose prototype is one of them, without those that NFKD brings to it. Where
// the
// standard takes I, l and 1 for one another, so does this table. Symbols that look like 1 or T are taken for | and ⊤,
// since
// they may as well stand between two characters.
var similar = map[rune]string{
	'1': "\u0131\u0196\u01c0\u0269\u026a\u0399\u03b9\u0406\u0456\u04c0\u04cf\u05d5\u05df\u0627\u0661\u06f1\u07ca\u13a5\u16c1\u2c92\u2d4f\ua4f2\ua647\uab75\U0001028a\U00010309\U00010320\U000118c3\U00016f28\U0001e8c7",
	'2': "\u01a7\u03e8\u14bf\u30cb\ua644\ua6ef\ua75a",
	'3': "\u01b7\u021c\u0417\u04e0\u2ccc\ua76a\ua7ab\U000118ca\U00016f3b\U0001d206",
	'8': "\u0222\u0223\u09ea\u0a6a\u0b03\u30cf\U0001031a\U0001e8cb",
	'M': "\u039c\u03fa\u041c\u13b7\u15f0\u16d6\u2c98\ua4df\U000102b0\U00010311\U00011700\U000118e3",
	'N': "\u039d\u0578\u057c\u2c9a\ua4e0\U00010513",
	'R': "\u01a6\u0433\u13a1\u13d2\u1587\u1d26\u2c85\ua4e3\uab47\uab48\uab81\U000104b4\U00016f35\U0001d216",
	'S': "\u01bd\u0405\u0455\u054f\u13d5\u13da\ua4e2\ua731\uabaa\U00010296\U00010420\U00010448\U000118c1\U00016f3a",
	'T': "\u03a4\u0422\u13a2\u2ca6\ua4d4\U00010297\U000102b1\U00010315\U000118bc\U00016f0a",
	'Y': "\u0263\u028f\u03a5\u03b3\u0423\u0443\u04ae\u04af\u10e7\u13a9\u13bd\u1d8c\u1eff\u2ca8\ua4ec\uab5a\U000102b2\U000118a4\U000118dc\U00016f43",
	'|': "\u05c0\u2223\u2373\u23fd",
	'⊤': "\u27d9\U0001f768",
	'工': "\u30a8",
}
