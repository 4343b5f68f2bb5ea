package decode

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// gzipCodec is a format inside gzip.
type gzipCodec struct {
	inner  Codec
	reader *gzip.Reader
	source bytes.Reader
	plain  bytes.Buffer
}

// Decode decompresses payload and decodes what was in it.
func (c *gzipCodec) Decode(dst, topic, payload []byte) (_ []byte, err error) {
	c.source.Reset(payload)
	if c.reader == nil {
		c.reader, err = gzip.NewReader(&c.source)
	} else {
		err = c.reader.Reset(&c.source)
	}
	if err != nil {
		return dst, fail(0, "not gzip: "+reason(err))
	}
	c.plain.Reset()
	if _, err = c.plain.ReadFrom(io.LimitReader(c.reader, maxResult+1)); err != nil {
		return dst, fail(len(payload)-c.source.Len(), "gzip: "+reason(err))
	}
	if c.plain.Len() > maxResult {
		return dst, fail(len(payload)-c.source.Len(), tooLarge)
	}
	dst, err = c.inner.Decode(dst, topic, c.plain.Bytes())
	if c.plain.Cap() > keptBuffer {
		c.plain = bytes.Buffer{}
	}
	return dst, inside(err, "gzip")
}

// Encode encodes text and compresses it.
func (c *gzipCodec) Encode(dst, topic, text []byte) ([]byte, error) {
	plain, err := c.inner.Encode(nil, topic, text)
	if err != nil {
		return dst, err
	}
	out := bytes.NewBuffer(dst)
	w := gzip.NewWriter(out)
	w.Write(plain) // a buffer takes everything
	w.Close()
	return out.Bytes(), nil
}

// keptBuffer is the capacity of a buffer that is kept after a large payload.
const keptBuffer = 1 << 20

// zstdCodec is a format inside Zstandard.
type zstdCodec struct {
	inner  Codec
	reader *zstd.Decoder
	writer *zstd.Encoder
	plain  []byte
}

// Decode decompresses payload and decodes what was in it.
func (c *zstdCodec) Decode(dst, topic, payload []byte) (_ []byte, err error) {
	if c.reader == nil {
		if c.reader, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxResult), zstd.WithDecoderLowmem(true)); err != nil {
			return dst, fail(0, err.Error())
		}
	}
	c.plain, err = c.reader.DecodeAll(payload, c.plain[:0])
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return dst, fail(0, tooLarge)
	case err != nil:
		return dst, fail(0, "zstd: "+reason(err))
	case len(payload) == 0:
		return dst, fail(0, "not zstd: "+cutShort)
	}
	dst, err = c.inner.Decode(dst, topic, c.plain)
	if cap(c.plain) > keptBuffer {
		c.plain = nil
	}
	return dst, inside(err, "zstd")
}

// Encode encodes text and compresses it.
func (c *zstdCodec) Encode(dst, topic, text []byte) ([]byte, error) {
	plain, err := c.inner.Encode(nil, topic, text)
	if err != nil {
		return dst, err
	}
	if c.writer == nil {
		if c.writer, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true)); err != nil {
			return dst, err
		}
	}
	return c.writer.EncodeAll(plain, dst), nil
}

// inside says that the offset of err counts bytes inside the compression name.
func inside(err error, name string) error {
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Inside != "" {
			name = e.Inside + " inside " + name
		}
		return &Error{Offset: e.Offset, What: e.What, Inside: name}
	}
	return err
}

// reason returns the text of a decompressor's error in our words, where it has none of its own.
func reason(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return cutShort
	}
	return err.Error()
}
