package transforms

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestPhonesBecomeE164(t *testing.T) {
	t.Parallel()
	phones := phoneReader{}
	for _, c := range []struct {
		raw, country, want, kind string
		tollFree                 bool
	}{
		{"(303) 555-0147", "US", "+13035550147", "main", false},
		{"303.555.0147", "", "+13035550147", "main", false},
		{"+44 20 7946 0958", "US", "+442079460958", "main", false},
		{"07700 900123", "GB", "+447700900123", "main", false},
		{"07912 345678", "GB", "+447912345678", "mobile", false},
		{"1-800-555-0199", "US", "+18005550199", "main", true},
		{"555-0147", "US", "", "", false}, // seven digits reach nobody
		{"call us", "US", "", "", false},
		{"", "US", "", "", false},
		{"404/237-2663", "US", "+14042372663", "main", false},
	} {
		got, kind, tollFree := phones.read(c.raw, c.country)
		if got != c.want || kind != c.kind || tollFree != c.tollFree {
			t.Errorf("%q in %q: got %q, %q, %t, want %q, %q, %t", c.raw, c.country, got, kind, tollFree, c.want, c.kind, c.tollFree)
		}
	}
}

func TestShortcutForNorthAmericaAgreesWithTheFullParser(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 7))
	phones := phoneReader{}
	shortcuts := 0
	for range 20_000 {
		area, exchange, line := rng.IntN(1000), rng.IntN(1000), rng.IntN(10_000)
		raw := fmt.Sprintf([]string{"+1 %03d %03d %04d", "(%03d) %03d-%04d", "%03d.%03d.%04d", "1-%03d-%03d-%04d", "%03d%03d%04d", "+1%03d%03d%04d"}[rng.IntN(6)], area, exchange, line)
		country := []string{"US", "CA", "GB", "DE"}[rng.IntN(4)]
		if _, ok := northAmerican(raw, country); !ok {
			continue
		}
		shortcuts++
		n, err := phonenumbers.Parse(raw, country)
		if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
			t.Fatalf("%q in %s: the parser refuses it: %v", raw, country, err)
		}
		want, wantKind, wantFree := described(phonenumbers.Format(n, phonenumbers.E164), phonenumbers.GetNumberType(n))
		if got, kind, free := phones.read(raw, country); got != want || kind != wantKind || free != wantFree {
			t.Fatalf("%q in %s: got %s, %s, %t, want %s, %s, %t", raw, country, got, kind, free, want, wantKind, wantFree)
		}
	}
	if shortcuts < 5_000 {
		t.Fatalf("only %d numbers took the shortcut", shortcuts)
	}
}

func TestContactsKnowOwnDomainsFromSharedOnes(t *testing.T) {
	t.Parallel()
	reader := newContactReader()
	for _, c := range []struct{ website, email, domain, emailDomain string }{
		{"https://www.Ace-Plumbing.com/contact?x=1", "info@ace-plumbing.com", "ace-plumbing.com", "ace-plumbing.com"},
		{"shop.example.co.uk", "", "example.co.uk", ""},
		{"https://www.facebook.com/aceplumbing", "ace@gmail.com", "", ""},
		{"http://aceplumbing.wixsite.com/home", "", "aceplumbing.wixsite.com", ""}, // the builder gives each customer a suffix of its own
		{"https://bücher.example/", "Info@BÜCHER.example", "xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"No", "not an address", "", ""},
		{"javascript:alert(1)", "", "", ""},
		{"http://192.0.2.7/", "", "", ""},
	} {
		got := reader.read("", "US", c.website, c.email)
		if got.domain != c.domain || got.emailDomain != c.emailDomain {
			t.Errorf("%q, %q: got %q, %q, want %q, %q", c.website, c.email, got.domain, got.emailDomain, c.domain, c.emailDomain)
		}
	}
}

func TestContactsKeepTheTailOfAShortNumber(t *testing.T) {
	t.Parallel()
	got := newContactReader().read("535-6600", "US", "", "")
	if got.phone != "" || got.phoneTail != "5356600" {
		t.Errorf("got phone %q and tail %q, want none and 5356600", got.phone, got.phoneTail)
	}
}

func FuzzContacts(f *testing.F) {
	f.Add("(303) 555-0147", "US", "https://ace.example", "info@ace.example")
	f.Add("+", "", "http://[::1]:0", "@")
	reader := newContactReader()
	f.Fuzz(func(t *testing.T, phone, country, website, email string) {
		first := reader.read(phone, country, website, email)
		again := reader.read(first.phone, country, first.website, first.email)
		if first.phone != "" && again.phone != first.phone {
			t.Errorf("the phone %q became %q, then %q", phone, first.phone, again.phone)
		}
		if first.domain != "" && again.domain != first.domain {
			t.Errorf("the website %q has the domain %q, then %q", website, first.domain, again.domain)
		}
		if first.email != "" && again.email != first.email {
			t.Errorf("the e-mail %q became %q, then %q", email, first.email, again.email)
		}
	})
}
