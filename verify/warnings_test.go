package verify

import (
	"slices"
	"strings"
	"testing"

	"attestd/internal/msisdn"
)

// warned are the codes of the warnings of a filing, in order.
func (b *bench) warned(r FilingRequest) (codes []string) {
	in, err := receive(r, b.s.policy)
	if err != nil {
		b.t.Fatal(err)
	}
	b.tx(func(tx Tx) error {
		f, _, err := b.s.create(b.t.Context(), tx, in, b.now)
		if err != nil {
			return err
		}
		all, err := b.s.warnings(b.t.Context(), tx, in, f)
		for _, w := range all {
			codes = append(codes, w.Code)
			if w.Field == "" || w.Message.ZH == "" || w.Message.EN == "" {
				b.t.Errorf("%+v", w)
			}
		}
		return err
	})
	return codes
}

func TestEachClassOfSegmentIsWarnedOfAndRefusedNever(t *testing.T) {
	for mobile, want := range map[string]string{
		"17012345678": "segment_virtual_operator", "16212345678": "segment_virtual_operator", "19212345678": "segment_new",
		"14612345678": "segment_iot", "13491234567": "segment_satellite", "13481234567": "", phoneA: "",
	} {
		b := newBench(t, nil)
		r := one()
		r.Persons[0].Mobile = mobile
		got := b.warned(r)
		if want == "" && len(got) > 0 || want != "" && !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %v, want %q", mobile, got, want)
		}
	}
}

func TestTheTableOfSegmentsSaysItsSourceAndDateAndHasWordsForEachClass(t *testing.T) {
	if !strings.Contains(segmentTable, "2026-") || !strings.Contains(segmentTable, "MIIT") || len(numberSegments) < 15 {
		t.Error(segmentTable)
	}
	for _, s := range numberSegments {
		if segmentTexts[s.class].ZH == "" || s.begins[0] != '1' || len(s.begins) < 3 {
			t.Errorf("%+v", s)
		}
	}
}

func TestANumberOfAnotherEntityIsWarnedOfOnlyAmongTheFilingsOfOneClient(t *testing.T) {
	b := newBench(t, nil)
	file := func(origin, entity string) []string {
		r := one()
		r.Owner, r.Origin, r.Entity = origin, origin, entity
		return b.warned(r)
	}
	for _, one := range []struct {
		origin, entity string
		warned         bool
	}{
		{"a", "Example Ltd.", false}, {"a", "example  ltd.", false}, {"b", "Other", false}, {"a", "Other", true}, {"a", "", false}, {"b", "Example Ltd.", true},
	} {
		if got := file(one.origin, one.entity); slices.Contains(got, WarnEntity) != one.warned {
			t.Errorf("%s files for %q: %v", one.origin, one.entity, got)
		}
	}
}

const areaFile = `# libphonenumber
861380013|北京市
86138057|浙江省杭州市
8613800|上海市
8610|北京市
861350|Hangzhou, Zhejiang
`

func TestANumberOfAnotherProvinceIsWarnedOfWhereTheProvinceIsGivenAndKnown(t *testing.T) {
	areas, err := ReadAreas(strings.NewReader(areaFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		mobile, province string
		warned           bool
	}{
		{phoneA, "beijing", false}, {phoneA, "浙江省", true}, {phoneA, "", false}, {"13805711111", "33", false}, {"13805711111", "CN-BJ", true},
		{"13500000000", "Zhejiang", false}, {"13900000000", "zhejiang", false},
	} {
		b := newBench(t, func(p *Policy) { p.Province = areas.Province })
		r := FilingRequest{Type: "change", Changes: []Change{{Part: PartEntity}}, Province: one.province, Persons: []PersonRequest{{Role: "entity_head", Mobile: one.mobile, CertificateTail: tailA}}}
		if got := b.warned(r); slices.Contains(got, WarnProvince) != one.warned {
			t.Errorf("%s in %q: %v", one.mobile, one.province, got)
		}
	}
}

func TestAFileOfAreasThatIsNoneIsRefusedByItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"861380013|北京市\nnonsense": "line 2", "1380013|北京市": "line 1", "": "right file", "8610|北京市": "no mobile", "86138x|北京市": "line 1",
	} {
		if _, err := ReadAreas(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzAreasAreReadOrRefused(f *testing.F) {
	f.Add(areaFile)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ReadAreas(strings.NewReader(text))
		n, _ := msisdn.Parse(phoneA, "86")
		if province := a.Province(n); err != nil && province != "" {
			t.Error(province)
		}
	})
}

func TestAProvinceIsReadInEachFormAndAnUnknownOneIsRefused(t *testing.T) {
	for s, want := range map[string]string{"zhejiang": "zhejiang", " 浙江省 ": "zhejiang", "33": "zhejiang", "CN-ZJ": "zhejiang", "内蒙古自治区": "inner_mongolia", "Inner Mongolia": "inner_mongolia", "61": "shaanxi", "atlantis": ""} {
		if got := provinceOf(s); got != want {
			t.Errorf("%q: %q", s, got)
		}
	}
	if len(provinces) != 31 || len(areaNames) != 31 {
		t.Errorf("%d provinces, %d by code", len(provinces), len(areaNames))
	}
	r := one()
	r.Province = "atlantis"
	if _, err := receive(r, DefaultPolicy()); err == nil || !strings.Contains(err.Error(), "province: ") {
		t.Error(err)
	}
}

func TestZhejiangHintsAtTheBackOfAPermitAndOtherProvincesDoNot(t *testing.T) {
	for province, want := range map[string]bool{"zhejiang": true, "guangdong": false, "": false} {
		b := newBench(t, nil)
		r := one()
		r.Province, r.Persons[0].CertificateType = province, "hk_macao_permit"
		if got := b.warned(r); slices.Contains(got, WarnPermit) != want {
			t.Errorf("%q: %v", province, got)
		}
	}
}

func TestTheStatusForAccessPlatformsIsWaitingDoneOrTimedOut(t *testing.T) {
	for want, all := range map[int][]Filing{
		AccessWaiting:  {{State: FilingReceived}, {State: FilingVerifying}},
		AccessDone:     {{State: FilingPassed}, {State: FilingNotRequired}},
		AccessTimedOut: {{State: FilingRejected, Reason: ReasonExpired}, {State: FilingRejected, Reason: ReasonTooManyAttempts}, {State: FilingRejected, Reason: ReasonUndeliverable}},
		0:              {{State: FilingCancelled}, {State: FilingRejected, Reason: ReasonSuperseded}},
	} {
		for _, f := range all {
			if got := f.AccessStatus(); got != want {
				t.Errorf("%s %s: %d", f.State, f.Reason, got)
			}
		}
	}
}

func TestARejectedAccessFilingSaysThatTheRecordCountsAndWhatToDoWithAShellRecord(t *testing.T) {
	f := Filing{Type: "access", State: FilingRejected, Reason: ReasonUndeliverable}
	if said := f.ReasonText(); !strings.Contains(said.EN, "shell record") || !strings.Contains(said.ZH, "空壳备案") {
		t.Error(said)
	}
	f.Type = "website_cancellation"
	if said := f.ReasonText(); !strings.Contains(said.EN, "file a change first") || strings.Contains(said.EN, "shell") {
		t.Error(said)
	}
	f.Type = "first"
	if said := f.ReasonText(); strings.Contains(said.EN, "record") || said.ZH == "" {
		t.Error(said)
	}
	if said := (Filing{Type: "access", State: FilingVerifying}).ReasonText(); said.EN != "" {
		t.Error(said)
	}
}
