package transforms

import (
	"fmt"
	"testing"
)

// BenchmarkContacts standardises records as a large list has them.
func BenchmarkContacts(b *testing.B) {
	reader := newContactReader()
	for i := 0; b.Loop(); i++ {
		reader.read(fmt.Sprintf("+1 %d 555 %04d", 201+i%700, i%10000), "US", "http://www.shop.example/", "info@shop.example")
	}
}
