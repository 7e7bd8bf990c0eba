package at

var (
	cmsCodes = inverse(cmsTexts, cmsAlso)
	cmeCodes = inverse(cmeTexts, cmeAlso)
)

// What modems of the field say in other words than the specifications. A text that means no one code is left out:
// "unknown" stays in doubt.
var (
	cmsAlso = map[string]int{
		"no network": 331, "network service unavailable": 331, "no service": 331, "timeout": 332, "network time out": 332, "network timed out": 332,
		"SIM not present": 310, "no SIM": 310, "SIM card not inserted": 310, "SIM PIN necessary": 311, "SIM PIN needed": 311, "PIN required": 311,
		"PH SIM PIN necessary": 312, "SIM PUK necessary": 316, "PUK required": 316, "SIM PIN2 necessary": 317, "SIM PUK2 necessary": 318,
		"SMS service reserved": 301, "operation temporarily not allowed": 302, "not supported": 303, "invalid PDU mode": 304, "invalid PDU parameter": 304,
		"invalid text mode": 305, "invalid text parameter": 305, "invalid index": 321, "SMS memory full": 322, "storage full": 322, "SMSC unknown": 330,
		"service center address unknown": 330, "service centre address unknown": 330, "SMSC address not set": 330, "no CNMA acknowledgement expected": 340,
		"no CNMA ack expected": 340, "mobile failure": 300, "phone failure": 300, "unknown": 500, "call barring": 10, "network busy": 42,
		"subscriber unknown": 30, "number unassigned": 1, "unassigned": 1, "out of order": 38, "not subscribed": 50, "message transfer rejected": 21,
		"device busy": 515, "command processing": 515, "please wait": 515,
	}
	cmeAlso = map[string]int{
		"no network": 30, "no service": 30, "timeout": 31, "network time out": 31, "network timed out": 31, "emergency calls only": 32,
		"network not allowed": 32, "network not allowed, emergency calls only": 32, "network not allowed emergency only": 32,
		"SIM not present": 10, "no SIM": 10, "SIM card not inserted": 10, "SIM PIN necessary": 11, "SIM PIN needed": 11, "PIN required": 11,
		"SIM PUK necessary": 12, "PUK required": 12, "PH SIM PIN necessary": 5, "wrong SIM": 15, "busy SIM": 14, "SIM is busy": 14, "bad password": 16,
		"link reserved": 2, "mobile failure": 0, "not allowed": 3, "not supported": 4, "unsupported": 4, "unknown error": 100,
		"invalid parameters": 50, "incorrect parameter": 50, "invalid parameter": 50, "please wait": 515, "please wait, init or command processing in progress": 515,
		"command processing in progress": 515,
	}
)

func inverse(texts map[int]string, also map[string]int) map[string]int {
	codes := make(map[string]int, len(texts)+len(also))
	for text, code := range also {
		codes[foldText(text)] = code
	}
	for code, text := range texts {
		key := foldText(text)
		// Some texts name two codes (208 and 211 both say that the SIM is full): the lower one stands for both.
		if old, ok := codes[key]; !ok || code < old {
			codes[key] = code
		}
	}
	return codes
}

// cmsTexts: TS 27.005 3.2.5; 1 to 127 are TS 24.011 annex E-2 (RP causes), 128 to 255 TS 23.040 9.2.3.22 (TP-FCS).
var cmsTexts = map[int]string{
	1: "unassigned number", 8: "operator determined barring", 10: "call barred", 17: "network failure",
	21: "short message transfer rejected", 22: "congestion", 27: "destination out of service", 28: "unidentified subscriber",
	29: "facility rejected", 30: "unknown subscriber", 38: "network out of order", 41: "temporary failure",
	42: "congestion", 47: "resources unavailable", 50: "requested facility not subscribed",
	69: "requested facility not implemented", 81: "invalid short message transfer reference value",
	95: "invalid message", 96: "invalid mandatory information", 97: "message type non-existent or not implemented",
	98: "message not compatible with short message protocol state", 99: "information element non-existent or not implemented",
	111: "protocol error, unspecified", 127: "interworking, unspecified",
	128: "telematic interworking not supported", 129: "short message type 0 not supported", 130: "cannot replace short message",
	143: "unspecified TP-PID error", 144: "data coding scheme (alphabet) not supported", 145: "message class not supported",
	159: "unspecified TP-DCS error", 160: "command cannot be actioned", 161: "command unsupported", 175: "unspecified TP-command error",
	176: "TPDU not supported", 192: "SC busy", 193: "no SC subscription", 194: "SC system failure", 195: "invalid SME address",
	196: "destination SME barred", 197: "SM rejected-duplicate SM", 198: "TP-VPF not supported", 199: "TP-VP not supported",
	208: "SIM SMS storage full", 209: "no SMS storage capability in SIM", 210: "error in MS", 211: "memory capacity exceeded",
	212: "SIM application toolkit busy", 213: "SIM data download error", 255: "unspecified error cause",
	300: "ME failure", 301: "SMS service of ME reserved", 302: "operation not allowed", 303: "operation not supported",
	304: "invalid PDU mode parameter", 305: "invalid text mode parameter", 310: "SIM not inserted", 311: "SIM PIN required",
	312: "PH-SIM PIN required", 313: "SIM failure", 314: "SIM busy", 315: "SIM wrong", 316: "SIM PUK required",
	317: "SIM PIN2 required", 318: "SIM PUK2 required", 320: "memory failure", 321: "invalid memory index", 322: "memory full",
	330: "SMSC address unknown", 331: "no network service", 332: "network timeout", 340: "no +CNMA acknowledgement expected",
	500: "unknown error",
}

// cmeTexts: TS 27.007 9.2.
var cmeTexts = map[int]string{
	0: "phone failure", 1: "no connection to phone", 2: "phone-adaptor link reserved", 3: "operation not allowed",
	4: "operation not supported", 5: "PH-SIM PIN required", 6: "PH-FSIM PIN required", 7: "PH-FSIM PUK required",
	10: "SIM not inserted", 11: "SIM PIN required", 12: "SIM PUK required", 13: "SIM failure", 14: "SIM busy", 15: "SIM wrong",
	16: "incorrect password", 17: "SIM PIN2 required", 18: "SIM PUK2 required", 20: "memory full", 21: "invalid index", 22: "not found",
	23: "memory failure", 24: "text string too long", 25: "invalid characters in text string", 26: "dial string too long",
	27: "invalid characters in dial string", 30: "no network service", 31: "network timeout",
	32: "network not allowed - emergency calls only", 40: "network personalization PIN required",
	41: "network personalization PUK required", 42: "network subset personalization PIN required",
	43: "network subset personalization PUK required", 44: "service provider personalization PIN required",
	45: "service provider personalization PUK required", 46: "corporate personalization PIN required",
	47: "corporate personalization PUK required", 48: "hidden key required", 49: "EAP method not supported",
	50: "incorrect parameters", 100: "unknown", 103: "illegal MS", 106: "illegal ME", 107: "GPRS services not allowed",
	111: "PLMN not allowed", 112: "location area not allowed", 113: "roaming not allowed in this location area",
	132: "service option not supported", 133: "requested service option not subscribed",
	134: "service option temporarily out of order", 148: "unspecified GPRS error", 149: "PDP authentication failure",
	150: "invalid mobile class", 515: "device busy",
}
