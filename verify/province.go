package verify

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"attestd/internal/msisdn"
)

// place is a province, as people and standards write it.
type place struct{ zh, en, gb, iso string }

// provinces are those of mainland China by the word that the API uses: GB/T 2260 and ISO 3166-2:CN.
var provinces = map[string]place{
	"beijing": {"北京", "Beijing", "11", "BJ"}, "tianjin": {"天津", "Tianjin", "12", "TJ"}, "hebei": {"河北", "Hebei", "13", "HE"},
	"shanxi": {"山西", "Shanxi", "14", "SX"}, "inner_mongolia": {"内蒙古", "Inner Mongolia", "15", "NM"}, "liaoning": {"辽宁", "Liaoning", "21", "LN"},
	"jilin": {"吉林", "Jilin", "22", "JL"}, "heilongjiang": {"黑龙江", "Heilongjiang", "23", "HL"}, "shanghai": {"上海", "Shanghai", "31", "SH"},
	"jiangsu": {"江苏", "Jiangsu", "32", "JS"}, "zhejiang": {"浙江", "Zhejiang", "33", "ZJ"}, "anhui": {"安徽", "Anhui", "34", "AH"},
	"fujian": {"福建", "Fujian", "35", "FJ"}, "jiangxi": {"江西", "Jiangxi", "36", "JX"}, "shandong": {"山东", "Shandong", "37", "SD"},
	"henan": {"河南", "Henan", "41", "HA"}, "hubei": {"湖北", "Hubei", "42", "HB"}, "hunan": {"湖南", "Hunan", "43", "HN"},
	"guangdong": {"广东", "Guangdong", "44", "GD"}, "guangxi": {"广西", "Guangxi", "45", "GX"}, "hainan": {"海南", "Hainan", "46", "HI"},
	"chongqing": {"重庆", "Chongqing", "50", "CQ"}, "sichuan": {"四川", "Sichuan", "51", "SC"}, "guizhou": {"贵州", "Guizhou", "52", "GZ"},
	"yunnan": {"云南", "Yunnan", "53", "YN"}, "tibet": {"西藏", "Tibet", "54", "XZ"}, "shaanxi": {"陕西", "Shaanxi", "61", "SN"},
	"gansu": {"甘肃", "Gansu", "62", "GS"}, "qinghai": {"青海", "Qinghai", "63", "QH"}, "ningxia": {"宁夏", "Ningxia", "64", "NX"},
	"xinjiang": {"新疆", "Xinjiang", "65", "XJ"},
}

// provinceOf reads a province in any of its forms (zhejiang, 浙江, 浙江省, 33, CN-ZJ); "" for none.
func provinceOf(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	for key, p := range provinces {
		switch s {
		case key, strings.ToLower(p.en), p.gb, "cn-" + strings.ToLower(p.iso):
			return key
		}
		if strings.HasPrefix(s, p.zh) {
			return key
		}
	}
	return ""
}

// Areas tells the province of mainland mobile numbers by their first digits. It never changes.
type Areas map[uint32]uint8

// areaNames are the provinces by their place in Areas.
var areaNames = func() (all []string) {
	for gb := 11; gb <= 65; gb++ {
		for key, p := range provinces {
			if p.gb == strconv.Itoa(gb) {
				all = append(all, key)
			}
		}
	}
	return all
}()

// mostAreas is several times what there is (10 million numbers to a segment of three digits, 10,000 to an entry).
const mostAreas = 2_000_000

// ReadAreas reads lines as libphonenumber's geocoding data has them (resources/geocoding/zh/86.txt, or en):
// "861380013|北京市". Numbers
// begin with the country code; of a place only the province is kept. Landlines and places that are no province are left
// out.
func ReadAreas(r io.Reader) (Areas, error) {
	all := Areas{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || line[0] == '#' {
			continue
		}
		number, where, ok := strings.Cut(line, "|")
		begins, err := strconv.ParseUint(strings.TrimPrefix(number, "86"), 10, 32)
		if !ok || err != nil || !strings.HasPrefix(number, "86") || len(number) < 4 || len(number) > 11 || !utf8.ValidString(where) {
			return nil, fmt.Errorf("line %d: want a number with its country code and a place, as 861380013|北京市", n)
		}
		if province := provinceIn(where); province >= 0 && number[2] == '1' && number[3] >= '3' {
			all[uint32(begins)] = uint8(province)
		}
		if len(all) > mostAreas {
			return nil, fmt.Errorf("line %d: more than %d lines: is it the right file?", n, mostAreas)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no mobile number of a province is in it: is it the right file?")
	}
	return all, nil
}

// provinceIn finds a province's name at the beginning of a Chinese place (浙江省杭州市) or at the end of an English one
// (Hangzhou, Zhejiang).
func provinceIn(where string) int {
	for i, key := range areaNames {
		if p := provinces[key]; strings.HasPrefix(where, p.zh) || where == p.en || strings.HasSuffix(where, ", "+p.en) {
			return i
		}
	}
	return -1
}

// Province is where a number is registered, "" where that is not known.
func (a Areas) Province(n msisdn.Number) string {
	digits := n.National()
	if !n.MainlandMobile() {
		return ""
	}
	for length := 9; length >= 3; length-- {
		begins, _ := strconv.ParseUint(digits[:length], 10, 32) // digits only
		if i, ok := a[uint32(begins)]; ok {
			return areaNames[i]
		}
	}
	return ""
}

func (p Policy) province(n msisdn.Number) string {
	if p.Province == nil {
		return ""
	}
	return p.Province(n)
}
