package xgbtrain

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"
)

// npyMagic starts a file of NumPy's array format, version 1.0 (NEP 1). It
// carries float32 exactly and needs no library on either side.
const npyMagic = "\x93NUMPY\x01\x00"

// writeNPY writes values as an array of the given shape.
func writeNPY(path string, values []float32, shape string) error {
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shape)
	// Magic, length and header take a multiple of 64 bytes; a newline ends it.
	pad := (64 - (len(npyMagic)+2+len(header)+1)%64) % 64
	header += strings.Repeat(" ", pad) + "\n"
	out := make([]byte, 0, len(npyMagic)+2+len(header)+4*len(values))
	out = append(out, npyMagic...)
	out = binary.LittleEndian.AppendUint16(out, uint16(len(header)))
	out = append(out, header...)
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return os.WriteFile(path, out, 0o600)
}

// readNPY reads the values of an array of float32, whatever its shape.
func readNPY(path string) ([]float32, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	body, found := bytes.CutPrefix(raw, []byte(npyMagic))
	if !found || len(body) < 2 || len(body) < 2+int(binary.LittleEndian.Uint16(body)) {
		return nil, fmt.Errorf("%s is no NumPy array", path)
	}
	header, body := body[2:][:binary.LittleEndian.Uint16(body)], body[2+int(binary.LittleEndian.Uint16(body)):]
	if !bytes.Contains(header, []byte("'<f4'")) || len(body)%4 != 0 {
		return nil, fmt.Errorf("%s holds no float32", path)
	}
	values := make([]float32, len(body)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
	}
	return values, nil
}
