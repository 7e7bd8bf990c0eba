package verify

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"attestd/internal/msisdn"
)

// Warning says what may go wrong with a filing that was taken: it never refuses one. It is worked out for the answer to
// whoever
// filed, and kept nowhere.
type Warning struct {
	Field   string
	Code    string
	Message Text
}

// The codes of warnings. Those of a segment are WarnSegment and its class.
const (
	WarnSegment  = "segment_"
	WarnEntity   = "number_of_another_entity"
	WarnProvince = "province_mismatch"
	WarnPermit   = "permit_back_number"
)

//go:embed segments.csv
var segmentTable string

// segment is a range of mainland numbers with its class.
type segment struct{ begins, class string }

var numberSegments = readSegments(segmentTable)

func readSegments(table string) (all []segment) {
	for line := range strings.Lines(table) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		column := strings.Split(line, ",")
		if len(column) != 4 {
			panic("verify: segments.csv: " + line)
		}
		all = append(all, segment{column[0], strings.ReplaceAll(column[1], "-", "_")})
	}
	return all
}

var segmentTexts = map[string]Text{
	"virtual_operator": {"该号码属于虚拟运营商号段，可能收不到管局的核验短信；收不到时请换用其他号码。", "The number is a virtual operator's: codes of the ministry may not reach it. Use another number if none comes."},
	"new":              {"该号码属于较新的号段，可能收不到管局的核验短信；收不到时请换用其他号码。", "The number is of a new segment: codes of the ministry may not reach it. Use another number if none comes."},
	"iot":              {"该号码属于物联网或上网卡号段，很可能收不到短信；请换用其他号码。", "The number is one of data cards and devices: texts may well not reach it. Use another number."},
	"satellite":        {"该号码属于卫星通信号段，很可能收不到短信；请换用其他号码。", "The number is a satellite telephone's: texts may well not reach it. Use another number."},
}

// segmentOf is the class of a number's segment, "" for an ordinary one.
func segmentOf(n msisdn.Number) string {
	if !n.MainlandMobile() {
		return ""
	}
	for _, s := range numberSegments {
		if strings.HasPrefix(n.National(), s.begins) {
			return s.class
		}
	}
	return ""
}

// warnings looks at those who must verify. Of other filings it looks only at those of the same origin, so that no
// client learns
// what another one has filed.
func (s *Service) warnings(ctx context.Context, tx Tx, in intake, f Filing) (all []Warning, err error) {
	for i, p := range in.Persons {
		if !p.Must {
			continue
		}
		warn := func(field, code string, message Text) {
			all = append(all, Warning{fmt.Sprintf("persons[%d].%s", i, field), code, message})
		}
		if class := segmentOf(p.number); class != "" {
			warn("mobile", WarnSegment+class, segmentTexts[class])
		}
		if at := s.policy.province(p.number); in.Province != "" && at != "" && at != in.Province {
			here, there := provinces[in.Province], provinces[at]
			warn("mobile", WarnProvince, Text{
				fmt.Sprintf("该号码的归属地是%s，备案省份是%s；部分省份要求使用本省号码。", there.zh, here.zh),
				fmt.Sprintf("The number is of %s, the filing of %s: some provinces want a local number.", there.en, here.en),
			})
		}
		if in.Province == "zhejiang" && p.permit {
			warn("certificate", WarnPermit, Text{
				"浙江要求港澳居民填写来往内地通行证背面的身份证件号码，请确认所给后六位取自背面。",
				"Zhejiang wants the ID number on the back of a Hong Kong or Macao permit: make sure that these last 6 characters are of that one.",
			})
		}
		other, err := s.otherEntity(ctx, tx, in, f, p.number)
		if err != nil {
			return nil, err
		}
		if other {
			warn("mobile", WarnEntity, Text{
				"该号码已用于您提交的另一主体的备案；部分省份不接受同一号码用于不同主体。",
				"The number is in a filing of yours for another entity: some provinces refuse that.",
			})
		}
	}
	return all, nil
}

// otherEntity says whether the origin has filed the number for another entity.
func (s *Service) otherEntity(ctx context.Context, tx Tx, in intake, f Filing, n msisdn.Number) (bool, error) {
	if in.Entity == "" {
		return false, nil
	}
	others, err := tx.EntitiesOfNumber(ctx, f.Owner, s.hashNumber(n))
	if err != nil {
		return false, err
	}
	for id, sealed := range others {
		entity, err := s.vault.Open(sealed, "entity:"+id)
		if id != f.ID && err == nil && string(entity) != in.Entity { // what cannot be opened is not guessed at
			return true, nil
		}
	}
	return false, nil
}

// foldEntity brings the name of an entity to the form in which two are compared.
func foldEntity(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(s), " "))
}
