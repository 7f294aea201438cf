package wire

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/leadlake/leadlake"
)

// guard decides which addresses may be dialled. It sees the address that the
// connection is about to be made to, so a name that resolves to another
// address on a second look-up gains nothing.
type guard struct {
	nets  []netip.Prefix
	ports []netip.AddrPort
}

// reserved are the networks that net/netip's own predicates leave open: shared
// and special address space, test and documentation networks, and the IPv6
// forms that carry an IPv4 address inside. Source: the IANA special-purpose
// address registries.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier NAT; some clouds serve metadata here
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("fec0::/10"),
}

func newGuard(allow []string) (*guard, error) {
	g := &guard{}
	for _, a := range allow {
		if prefix, err := netip.ParsePrefix(a); err == nil {
			g.nets = append(g.nets, prefix.Masked())
			continue
		}
		if port, err := netip.ParseAddrPort(a); err == nil {
			g.ports = append(g.ports, port)
			continue
		}
		addr, err := netip.ParseAddr(strings.Trim(a, "[]"))
		if err != nil {
			return nil, leadlake.Errorf(leadlake.Invalid, "allowed address %q: %w", a, err).
				WithFix("write 127.0.0.1, 10.1.0.0/16 or 127.0.0.1:8093")
		}
		g.nets = append(g.nets, netip.PrefixFrom(addr, addr.BitLen()))
	}
	return g, nil
}

// transport dials through the guard. It uses no proxy: behind one, the address
// of the real target could not be checked.
func (g *guard) transport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: g.control}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// control runs between name resolution and connect.
func (g *guard) control(network, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return leadlake.Errorf(leadlake.Forbidden, "dial %s %s: %w", network, address, err)
	}
	if g.allowed(target) {
		return nil
	}
	return leadlake.Errorf(leadlake.Forbidden, "dial %s: the address is not on the public internet", address).
		WithFix("if it is meant, add %s to the allowed addresses of the configuration", address)
}

func (g *guard) allowed(target netip.AddrPort) bool {
	addr := target.Addr().WithZone("").Unmap()
	for _, p := range g.ports {
		if p.Addr().Unmap() == addr && p.Port() == target.Port() {
			return true
		}
	}
	for _, n := range g.nets {
		if n.Contains(addr) {
			return true
		}
	}
	return public(addr)
}

// public says whether addr is a unicast address of the open internet. Cloud
// metadata services live on link-local and unique-local addresses.
func public(addr netip.Addr) bool {
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, r := range reserved {
		if r.Contains(addr) {
			return false
		}
	}
	return true
}

const maxRedirects = 5

// sameHost follows redirects within a host only: a credential header, or a
// signed body, is meant for nobody else.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return leadlake.Errorf(leadlake.Forbidden, "call %s: more than %d redirects", first.Host, maxRedirects)
	case req.URL.Host != first.Host:
		return leadlake.Errorf(leadlake.Forbidden, "call %s: refused a redirect to the other host %s", first.Host, req.URL.Host)
	case first.Scheme == "https" && req.URL.Scheme != "https":
		return leadlake.Errorf(leadlake.Forbidden, "call %s: refused a redirect from https to %s", first.Host, req.URL.Scheme)
	}
	return nil
}
