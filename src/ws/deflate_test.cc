#include "ws/deflate.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <optional>
#include <random>
#include <string>

namespace haumea::ws {
namespace {

std::string Deflate(Deflater& deflater, std::string_view message) {
    BufferBuilder out;
    EXPECT_TRUE(deflater.Compress(message, out));
    return std::string(out.view());
}

std::optional<std::string> Inflate(Inflater& inflater, std::string_view data, size_t max_bytes = 1U << 24U,
                                   size_t piece = 1U << 24U) {
    BufferBuilder out;
    for (size_t at = 0; at < data.size(); at += piece) {
        if (inflater.Feed(data.substr(at, piece), out, max_bytes) != Inflater::Status::kOk) {
            return std::nullopt;
        }
    }
    if (inflater.Finish(out, max_bytes) != Inflater::Status::kOk) {
        return std::nullopt;
    }
    return std::string(out.view());
}

std::string Readings(int count, int first = 0) {
    std::string text;
    for (int i = first; i < first + count; ++i) {
        text +=
            "{\"device\":\"d" + std::to_string(i % 7) + "\",\"value\":" + std::to_string(i * 37 % 101) + "}";
    }
    return text;
}

std::string RandomBytes(size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::string bytes(size, '\0');
    for (char& c : bytes) {
        c = static_cast<char>(random());
    }
    return bytes;
}

TEST(Deflate, RfcExampleCompressesToTheSameBytes) {
    Deflater deflater({.context_takeover = ContextTakeover::kYes});
    EXPECT_EQ(Deflate(deflater, "Hello"), std::string("\xF2\x48\xCD\xC9\xC9\x07\x00", 7));
    EXPECT_EQ(Deflate(deflater, "Hello"), std::string("\xF2\x00\x11\x00\x00", 5));
}

TEST(Deflate, WithoutContextTakeoverEqualMessagesGiveEqualBytes) {
    Deflater deflater({.context_takeover = ContextTakeover::kNo});
    EXPECT_EQ(Deflate(deflater, Readings(50)), Deflate(deflater, Readings(50)));
}

TEST(Deflate, EmptyMessageIsOneZeroByte) {
    Deflater deflater({.context_takeover = ContextTakeover::kYes});
    EXPECT_EQ(Deflate(deflater, ""), std::string(1, '\0'));
    EXPECT_EQ(Deflate(deflater, "Hello"), std::string("\xF2\x48\xCD\xC9\xC9\x07\x00", 7));
    EXPECT_EQ(Deflate(deflater, ""), std::string(1, '\0'));
}

TEST(Deflate, EveryWindowSizeAndTakeoverComesBack) {
    for (uint8_t bits = 8; bits <= 15; ++bits) {
        for (const ContextTakeover takeover : {ContextTakeover::kYes, ContextTakeover::kNo}) {
            Deflater deflater({.window_bits = bits, .context_takeover = takeover});
            Inflater inflater(bits, takeover);
            for (int i = 0; i < 20; ++i) {
                const std::string message = i % 5 == 4 ? RandomBytes(3000, i) : Readings(i * i * 3, i);
                const std::string data = Deflate(deflater, message);
                ASSERT_EQ(Inflate(inflater, data, 1U << 24U, i % 3 == 0 ? 1 : 1000), message)
                    << int{bits} << " " << i;
            }
        }
    }
}

// RFC 7692 7.1.2.1 with 8: nothing may refer back further than 256 bytes. zlib's own raw inflater with a
// window of 256 bytes, given one byte of room at a time so that it has nothing but its window to copy from,
// is the judge.
TEST(Deflate, WindowOfEightBitsNeverReachesBeyond256Bytes) {
    Deflater deflater({.window_bits = 8, .context_takeover = ContextTakeover::kYes});
    z_stream z{};
    ASSERT_EQ(inflateInit2(&z, -8), Z_OK);
    for (int i = 0; i < 30; ++i) {
        const std::string message =
            Readings(40, i) + RandomBytes(size_t{250} + i, 1) + RandomBytes(size_t{250} + i, 1);
        std::string data = Deflate(deflater, message) + std::string("\x00\x00\xFF\xFF", 4);
        z.next_in = reinterpret_cast<Bytef*>(data.data());
        z.avail_in = static_cast<uInt>(data.size());
        std::string back;
        while (true) {
            Bytef byte = 0;
            z.next_out = &byte;
            z.avail_out = 1;
            const int code = inflate(&z, Z_SYNC_FLUSH);
            ASSERT_TRUE(code == Z_OK || code == Z_BUF_ERROR) << i << " " << (z.msg == nullptr ? "" : z.msg);
            if (z.avail_out == 1) {
                break;
            }
            back += static_cast<char>(byte);
        }
        ASSERT_EQ(back, message) << i;
    }
    inflateEnd(&z);
}

TEST(Deflate, LargeMessageComesBack) {
    const std::string message = Readings(100000) + RandomBytes(1000000, 3);
    Deflater deflater;
    Inflater inflater;
    EXPECT_EQ(Inflate(inflater, Deflate(deflater, message)), message);
}

TEST(Deflate, AppendsBehindWhatIsThere) {
    Deflater deflater;
    BufferBuilder out;
    out.Append("head");
    ASSERT_TRUE(deflater.Compress("Hello", out));
    EXPECT_EQ(out.view(), std::string("head\xF2\x48\xCD\xC9\xC9\x07\x00", 11));
}

TEST(Inflate, StopsABombWhileItGrows) {
    Deflater deflater;
    const std::string bomb = Deflate(deflater, std::string(50000000, 'a'));
    ASSERT_LT(bomb.size(), 60000U);
    Inflater inflater;
    BufferBuilder out;
    EXPECT_EQ(inflater.Feed(bomb, out, 100000), Inflater::Status::kTooBig);
    EXPECT_LE(out.size(), 100000U);
}

TEST(Inflate, AcceptsExactlyTheLimit) {
    Deflater deflater;
    for (const size_t size :
         {size_t{1}, size_t{511}, size_t{512}, size_t{513}, size_t{65536}, size_t{100000}}) {
        const std::string message(size, 'a');
        const std::string data = Deflate(deflater, message);
        Inflater exact;
        EXPECT_EQ(Inflate(exact, data, size), message) << size;
        Inflater small;
        EXPECT_EQ(Inflate(small, data, size - 1), std::nullopt) << size;
    }
}

TEST(Inflate, TruncatedDataAreAnError) {
    Deflater deflater;
    const std::string data = Deflate(deflater, Readings(20));
    for (size_t size = 1; size + 1 < data.size(); ++size) {
        Inflater inflater;
        const auto result = Inflate(inflater, data.substr(0, size));
        ASSERT_TRUE(!result || *result != Readings(20)) << size;
    }
    Inflater inflater;
    EXPECT_EQ(Inflate(inflater, data.substr(0, data.size() / 2)), std::nullopt);
}

TEST(Inflate, ManyFinalBlocksKeepTheWindowAndCostLittle) {
    Inflater inflater;
    std::string data("\xF2\x48\xCD\xC9\xC9\x07\x00", 7);
    ASSERT_EQ(Inflate(inflater, data), "Hello");
    std::string finals;
    for (int i = 0; i < 500000; ++i) {
        finals += std::string("\x03\x00", 2);  // an empty final block each
    }
    EXPECT_EQ(Inflate(inflater, finals), "");
    EXPECT_EQ(Inflate(inflater, std::string("\xF2\x00\x11\x00\x00", 5)), "Hello");
}

TEST(Inflate, MovedObjectsGoOn) {
    Inflater first;
    ASSERT_EQ(Inflate(first, std::string("\xF2\x48\xCD\xC9\xC9\x07\x00", 7)), "Hello");
    Inflater second(std::move(first));
    EXPECT_EQ(Inflate(second, std::string("\xF2\x00\x11\x00\x00", 5)), "Hello");
}

}  // namespace
}  // namespace haumea::ws
