#include "ws/frame_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ws/frame.h"

namespace haumea::ws {
namespace {

using Kind = FrameEvent::Kind;
constexpr MaskKey kKey = {0x37, 0xFA, 0x21, 0x3D};

std::string Masked(Opcode opcode, std::string_view payload, bool fin = true) {
    BufferBuilder out;
    FrameHeader header;
    header.opcode = opcode;
    header.fin = fin;
    header.masked = true;
    header.mask_key = kKey;
    AppendFrame(out, header, payload);
    return std::string(out.view());
}

// The bytes in a Buffer, as a session reads them.
Ref<Buffer> InBuffer(std::string_view bytes) { return Buffer::Copy(bytes); }

TEST(FrameParser, WholeMessageIsAViewIntoTheBackingBuffer) {
    const std::string bytes = Masked(Opcode::kText, "Hello") + Masked(Opcode::kBinary, "World");
    FrameParser parser(Role::kServer);
    FrameEvent event;
    const Ref<Buffer> buffer = InBuffer(bytes);
    parser.Feed({buffer->data(), bytes.size()}, Ref<const Buffer>::Share(buffer.get()));
    ASSERT_TRUE(parser.Next(event));
    EXPECT_EQ(event.payload.view(), "Hello");
    EXPECT_EQ(event.payload.ptr, buffer->data() + 6);
    EXPECT_EQ(event.payload.owner.get(), buffer.get());
    const BufferView kept = event.Keep();
    EXPECT_EQ(kept.ptr, event.payload.ptr);
    ASSERT_TRUE(parser.Next(event));
    EXPECT_EQ(event.payload.view(), "World");
    EXPECT_FALSE(parser.Next(event));
    EXPECT_EQ(kept.view(), "Hello");
}

TEST(FrameParser, BufferIsUnsharedOnceNothingOfItIsKept) {
    const std::string bytes = Masked(Opcode::kText, "Hello") + Masked(Opcode::kText, "cut").substr(0, 7);
    FrameParser parser(Role::kServer);
    FrameEvent event;
    const Ref<Buffer> buffer = InBuffer(bytes);
    parser.Feed({buffer->data(), bytes.size()}, Ref<const Buffer>::Share(buffer.get()));
    while (parser.Next(event)) {
    }
    EXPECT_TRUE(buffer->unique());
}

TEST(FrameParser, WithoutBackingAMessageIsBorrowedAndKeepCopies) {
    std::string bytes = Masked(Opcode::kText, "Hello");
    FrameParser parser(Role::kServer);
    FrameEvent event;
    parser.Feed({bytes.data(), bytes.size()});
    ASSERT_TRUE(parser.Next(event));
    EXPECT_FALSE(event.payload.owner);
    const BufferView kept = event.Keep();
    std::fill(bytes.begin(), bytes.end(), '\0');
    EXPECT_EQ(kept.view(), "Hello");
}

TEST(FrameParser, SplitMessageOwnsItsBytes) {
    std::string bytes = Masked(Opcode::kText, "Hello");
    FrameParser parser(Role::kServer);
    FrameEvent event;
    parser.Feed({bytes.data(), 8});
    EXPECT_FALSE(parser.Next(event));
    EXPECT_TRUE(parser.mid_message());
    parser.Feed({bytes.data() + 8, bytes.size() - 8});
    ASSERT_TRUE(parser.Next(event));
    EXPECT_TRUE(event.payload.owner);
    EXPECT_EQ(event.payload.view(), "Hello");
    EXPECT_FALSE(parser.mid_message());
}

TEST(FrameParser, AnnouncedLengthTakesNoMemory) {
    FrameParser parser(Role::kServer, {.max_message_bytes = uint64_t{1} << 40U});
    std::string bytes(
        "\x82\xFF\x00\x00\x00\xFF\x00\x00\x00\x00\x00\x00\x00\x00"
        "abc",
        17);
    FrameEvent event;
    parser.Feed({bytes.data(), bytes.size()});
    EXPECT_FALSE(parser.Next(event));
    EXPECT_EQ(parser.buffered_bytes(), 3U);
}

TEST(FrameParser, IsMidMessageFromTheFirstByteOfAHeaderOn) {
    std::string bytes = Masked(Opcode::kText, "ab", false);
    FrameParser parser(Role::kServer);
    FrameEvent event;
    EXPECT_FALSE(parser.mid_message());
    parser.Feed({bytes.data(), 1});
    EXPECT_FALSE(parser.Next(event));
    EXPECT_TRUE(parser.mid_message());
    parser.Feed({bytes.data() + 1, bytes.size() - 1});
    EXPECT_FALSE(parser.Next(event));
    EXPECT_TRUE(parser.mid_message());
}

TEST(FrameParser, SaysWhyItFails) {
    std::string bytes("\x81\x05Hello", 7);
    FrameParser parser(Role::kServer);
    FrameEvent event;
    parser.Feed({bytes.data(), bytes.size()});
    ASSERT_TRUE(parser.Next(event));
    EXPECT_EQ(event.kind, Kind::kError);
    EXPECT_STREQ(event.reason, "unmasked frame from a client");
    EXPECT_TRUE(parser.finished());
    EXPECT_FALSE(parser.Next(event));
    parser.Feed({bytes.data(), bytes.size()});
    EXPECT_FALSE(parser.Next(event));
}

TEST(FrameParser, FailureFreesTheUnfinishedMessage) {
    std::string bytes = Masked(Opcode::kText, std::string(1000, 'x'), false) + std::string("\xFF\xFF");
    FrameParser parser(Role::kServer);
    FrameEvent event;
    parser.Feed({bytes.data(), bytes.size()});
    ASSERT_TRUE(parser.Next(event));
    EXPECT_EQ(event.kind, Kind::kError);
    EXPECT_EQ(parser.buffered_bytes(), 0U);
}

TEST(FrameParser, AcceptsAMessageOf65537Fragments) {
    std::string bytes = Masked(Opcode::kBinary, "a", false);
    for (int i = 0; i < 65535; ++i) {
        bytes += Masked(Opcode::kContinuation, "b", false);
    }
    bytes += Masked(Opcode::kContinuation, "c");
    FrameParser parser(Role::kServer);
    FrameEvent event;
    parser.Feed({bytes.data(), bytes.size()});
    ASSERT_TRUE(parser.Next(event));
    EXPECT_EQ(event.kind, Kind::kBinary);
    EXPECT_EQ(event.payload.len, 65537U);
}

TEST(FrameParser, MessageOf16MebibytesInSmallReads) {
    const std::string payload(16U << 20U, 'x');
    std::string bytes = Masked(Opcode::kText, payload);
    FrameParser parser(Role::kServer);
    FrameEvent event;
    size_t messages = 0;
    for (size_t at = 0; at < bytes.size(); at += 65536) {
        parser.Feed({bytes.data() + at, std::min<size_t>(65536, bytes.size() - at)});
        while (parser.Next(event)) {
            EXPECT_EQ(event.payload.view(), payload);
            ++messages;
        }
    }
    EXPECT_EQ(messages, 1U);
}

TEST(FrameParser, MarksCompressedMessages) {
    DeflateParams params;
    params.enabled = true;
    std::string bytes("\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00\x81\x01x", 12);
    FrameParser parser(Role::kClient, {}, params);
    FrameEvent event;
    parser.Feed({bytes.data(), bytes.size()});
    ASSERT_TRUE(parser.Next(event));
    EXPECT_TRUE(event.compressed);
    EXPECT_TRUE(event.payload.owner);
    ASSERT_TRUE(parser.Next(event));
    EXPECT_FALSE(event.compressed);
}

TEST(FrameParser, EmptyFeedIsNothing) {
    FrameParser parser(Role::kServer);
    FrameEvent event;
    EXPECT_FALSE(parser.Next(event));
    parser.Feed({});
    EXPECT_FALSE(parser.Next(event));
    EXPECT_FALSE(parser.mid_message());
}

}  // namespace
}  // namespace haumea::ws
