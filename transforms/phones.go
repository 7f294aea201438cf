package transforms

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// phoneReader brings phone numbers to E.164. It remembers the kinds of North
// American numbers by area code and exchange, which decide them.
type phoneReader map[string]phonenumbers.PhoneNumberType

// read parses a number as written in a country (ISO 3166-1 alpha-2, US by
// default). Kind is main or mobile. A number that cannot exist, or that only
// works within a town, gives "".
func (r phoneReader) read(raw, country string) (e164, kind string, tollFree bool) {
	if raw == "" {
		return "", "", false
	}
	if country == "" {
		country = "US"
	}
	if national, ok := northAmerican(raw, country); ok {
		known, ok := r[national[:6]]
		if !ok {
			n, _ := strconv.ParseUint(national, 10, 64) // ten digits
			known = phonenumbers.GetNumberType(&phonenumbers.PhoneNumber{CountryCode: ptr(int32(1)), NationalNumber: &n})
			r[national[:6]] = known
		}
		return described("+1"+national, known)
	}
	n, err := phonenumbers.Parse(raw, country)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return "", "", false
	}
	// No area code begins with 0 or 1: such a number is a placeholder.
	if n.GetCountryCode() == 1 && n.GetNationalNumber() < 2_000_000_000 {
		return "", "", false
	}
	return described(phonenumbers.Format(n, phonenumbers.E164), phonenumbers.GetNumberType(n))
}

func described(e164 string, t phonenumbers.PhoneNumberType) (number, kind string, tollFree bool) {
	kind = "main"
	if t == phonenumbers.MOBILE {
		kind = "mobile"
	}
	return e164, kind, t == phonenumbers.TOLL_FREE
}

// northAmerican recognises the plainest writings of a +1 number, most of what
// American lists hold, without the regular expressions of the full parser. It
// leaves all it is not sure of to that parser, which agrees where it is sure.
func northAmerican(raw, country string) (national string, ok bool) {
	var digits [11]byte
	n := 0
	for i := range len(raw) {
		c := raw[i]
		switch {
		case c >= '0' && c <= '9':
			if n == len(digits) {
				return "", false
			}
			digits[n] = c
			n++
		case c == '+' && i > 0, c != '+' && strings.IndexByte(" ()-.", c) < 0:
			return "", false
		}
	}
	switch {
	case n == 11 && digits[0] == '1' && (raw[0] == '+' || country == "US" || country == "CA"):
		national = string(digits[1:n])
	case n == 10 && raw[0] != '+' && (country == "US" || country == "CA"):
		national = string(digits[:n])
	default:
		return "", false
	}
	// Neither an area code nor an exchange begins with 0 or 1.
	return national, national[0] > '1' && national[3] > '1'
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

func ptr[T any](v T) *T { return &v }
