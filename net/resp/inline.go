package resp

const errUnbalanced = protocolError("unbalanced quotes in request")

// splitArgs splits an inline command as Redis's sdssplitargs does: at white space, with
// "double quotes" (escapes \n \r \t \b \a \xHH and \ before any other byte) and 'single
// quotes' (only \' is an escape). A closing quote must be followed by white space or the end.
// Arguments without quotes are slices of line.
func splitArgs(line []byte, args [][]byte) ([][]byte, error) {
	i := 0
	for {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		// A NUL ends the line: Redis takes it for a C string.
		if i == len(line) || line[i] == 0 {
			return args, nil
		}
		arg, next, ok := splitArg(line, i)
		if !ok {
			return nil, errUnbalanced
		}
		args = append(args, arg)
		i = next
	}
}

func splitArg(line []byte, i int) (arg []byte, next int, ok bool) {
	from := i
	for i < len(line) && !isSpace(line[i]) && line[i] != 0 && line[i] != '"' && line[i] != '\'' {
		i++
	}
	if i == len(line) || line[i] != '"' && line[i] != '\'' {
		return line[from:i:i], i, true
	}
	arg = append([]byte{}, line[from:i]...)
	for i < len(line) && !isSpace(line[i]) && line[i] != 0 {
		quote := line[i]
		if quote != '"' && quote != '\'' {
			arg = append(arg, quote)
			i++
			continue
		}
		i++
		for {
			if i >= len(line) || line[i] == 0 {
				return nil, 0, false
			}
			c := line[i]
			if c == quote {
				i++
				if i < len(line) && !isSpace(line[i]) && line[i] != 0 {
					return nil, 0, false
				}
				return arg, i, true
			}
			if c == '\\' && i+1 < len(line) {
				c, i = unescape(line, i, quote)
			}
			arg = append(arg, c)
			i++
		}
	}
	return arg, i, true
}

// unescape decodes the escape at line[i] and returns the byte and the index of its last byte.
func unescape(line []byte, i int, quote byte) (byte, int) {
	c := line[i+1]
	if quote == '\'' {
		if c == '\'' {
			return c, i + 1
		}
		return '\\', i
	}
	if c == 'x' && i+3 < len(line) {
		hi, okHi := hexDigit(line[i+2])
		lo, okLo := hexDigit(line[i+3])
		if okHi && okLo {
			return hi<<4 | lo, i + 3
		}
	}
	switch c {
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'b':
		c = '\b'
	case 'a':
		c = '\a'
	}
	return c, i + 1
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
