package yelp

import "strconv"

// An answer does not say which page it is, and the next cursor has to follow
// from the answer alone. So each page asks for one row fewer than the page
// before, and a full page tells its place by its length: 50, 49, 48, 47 and 46
// rows are the 240 that there are. A page that is not full is the last one.
const pages = 5

// lengthOf is the number of rows that page n, from 0, asks for.
func lengthOf(n int) int { return pageSize - n }

// offsetOf is the number of rows before page n.
func offsetOf(n int) int { return n*pageSize - n*(n-1)/2 }

// window is the page that a cursor names: its offset and length.
func window(cursor string) (offset, limit int, ok bool) {
	if cursor == "" {
		return 0, pageSize, true
	}
	for n := 1; n < pages; n++ {
		if cursor == strconv.Itoa(offsetOf(n)) {
			return offsetOf(n), lengthOf(n), true
		}
	}
	return 0, 0, false
}

// after is the cursor behind a page of so many rows; "" behind the last one.
func after(rows int, total int64) string {
	n := pageSize - rows + 1 // the page to come
	if n < 1 || n >= pages || total <= int64(offsetOf(n)) {
		return ""
	}
	return strconv.Itoa(offsetOf(n))
}
