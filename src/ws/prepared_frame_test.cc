#include "ws/prepared_frame.h"

#include <gtest/gtest.h>

#include <string>

#include "ws/frame_parser.h"

namespace haumea::ws {
namespace {

std::string Wire(const PreparedFrame& frame, WireForm form = {}, size_t skip = 0) {
    std::array<iovec, 2> entries{};
    const size_t count = frame.Gather(form, skip, entries);
    std::string bytes;
    for (size_t i = 0; i < count; ++i) {
        EXPECT_GT(entries[i].iov_len, 0U);
        bytes.append(static_cast<const char*>(entries[i].iov_base), entries[i].iov_len);
    }
    return bytes;
}

std::string Decode(std::string wire, const DeflateParams& params) {
    FrameParser parser(Role::kClient, {}, params);
    FrameEvent event;
    parser.Feed({wire.data(), wire.size()});
    return parser.Next(event) && event.is_message() ? std::string(event.payload.view()) : "?";
}

std::string LongText() {
    std::string text;
    for (int i = 0; i < 100; ++i) {
        text += "{\"value\":" + std::to_string(i) + "}";
    }
    return text;
}

DeflateParams Agreed(uint8_t bits) {
    DeflateParams params;
    params.enabled = true;
    params.server_no_context_takeover = true;
    params.server_max_window_bits = bits;
    return params;
}

PreparedFrame::DeflateWish Wish(SharedDeflaters& deflaters, std::initializer_list<uint8_t> bits) {
    PreparedFrame::DeflateWish wish;
    wish.deflaters = &deflaters;
    for (const uint8_t b : bits) {
        wish.forms.Add({b});
    }
    return wish;
}

TEST(PreparedFrame, UnsharedBufferTakesTheHeaderInItsHeadroom) {
    const auto frame = PreparedFrame::Make(Opcode::kText, BufferView::Copy("Hello"));
    std::array<iovec, 2> entries{};
    EXPECT_EQ(frame->Gather({}, 0, entries), 1U);
    EXPECT_EQ(Wire(*frame), "\x81\x05Hello");
    EXPECT_EQ(frame->wire_bytes(), 7U);
    EXPECT_EQ(frame->payload(), "Hello");
}

TEST(PreparedFrame, SharedBufferIsNotWrittenTo) {
    const BufferView view = BufferView::Copy("Hello");
    const std::string before(view.ptr - Buffer::kHeadroom, Buffer::kHeadroom);
    const auto frame = PreparedFrame::Make(Opcode::kText, view);
    std::array<iovec, 2> entries{};
    EXPECT_EQ(frame->Gather({}, 0, entries), 2U);
    EXPECT_EQ(Wire(*frame), "\x81\x05Hello");
    EXPECT_EQ(std::string(view.ptr - Buffer::kHeadroom, Buffer::kHeadroom), before);
}

TEST(PreparedFrame, ViewInsideABufferLeavesTheBytesBeforeItAlone) {
    BufferView view = BufferView::Copy("xxHello");
    view.ptr += 2;
    view.len -= 2;
    const auto frame = PreparedFrame::Make(Opcode::kBinary, std::move(view));
    EXPECT_EQ(Wire(*frame), "\x82\x05Hello");
    EXPECT_EQ(std::string(frame->payload().data() - 2, 2), "xx");
}

TEST(PreparedFrame, EmptyPayloadWithoutBuffer) {
    const auto frame = PreparedFrame::Make(Opcode::kPing, BufferView());
    EXPECT_EQ(Wire(*frame), std::string("\x89\x00", 2));
}

TEST(PreparedFrame, GatherSkipsWhatWasSent) {
    const BufferView shared = BufferView::Copy(std::string(300, 'x'));
    for (const bool keep_shared : {true, false}) {
        const auto frame =
            PreparedFrame::Make(Opcode::kText, keep_shared ? shared : BufferView::Copy(shared.view()));
        const std::string whole = Wire(*frame);
        ASSERT_EQ(whole.size(), frame->wire_bytes());
        for (size_t skip = 0; skip <= whole.size() + 1; ++skip) {
            ASSERT_EQ(Wire(*frame, {}, skip), skip < whole.size() ? whole.substr(skip) : "") << skip;
        }
    }
}

TEST(PreparedFrame, DeflatedVariantIsSharedAndDecodes) {
    SharedDeflaters deflaters;
    const std::string text = LongText();
    const auto frame = PreparedFrame::Make(Opcode::kText, BufferView::Copy(text), Wish(deflaters, {15}));
    const WireForm form = WireForm::For(Agreed(15));
    ASSERT_TRUE(frame->has_deflated(form));
    EXPECT_LT(frame->wire_bytes(form), frame->wire_bytes());
    EXPECT_EQ(Decode(Wire(*frame, form), Agreed(15)), text);
    EXPECT_EQ(Decode(Wire(*frame), Agreed(15)), text);
    EXPECT_EQ(frame->payload(), text);
}

TEST(PreparedFrame, OneVariantPerWindowSize) {
    SharedDeflaters deflaters;
    const std::string text = LongText();
    const auto frame =
        PreparedFrame::Make(Opcode::kText, BufferView::Copy(text), Wish(deflaters, {8, 9, 12, 15}));
    for (const uint8_t bits : std::initializer_list<uint8_t>{8, 9, 12, 15}) {
        ASSERT_TRUE(frame->has_deflated({bits})) << int{bits};
        EXPECT_EQ(Decode(Wire(*frame, {bits}), Agreed(bits)), text);
    }
    EXPECT_FALSE(frame->has_deflated({10}));
    EXPECT_EQ(Wire(*frame, {10}), Wire(*frame));
}

TEST(PreparedFrame, NoVariantBelowTheThresholdOrWhenItIsNotSmaller) {
    SharedDeflaters deflaters;
    const PreparedFrame::DeflateWish wish = Wish(deflaters, {15});
    EXPECT_FALSE(PreparedFrame::Make(Opcode::kText, BufferView::Copy("Hello"), wish)->has_deflated({15}));
    std::string noise(1000, '\0');
    uint32_t state = 1;
    for (char& c : noise) {
        state = state * 1664525U + 1013904223U;
        c = static_cast<char>(state >> 24U);
    }
    EXPECT_FALSE(PreparedFrame::Make(Opcode::kBinary, BufferView::Copy(noise), wish)->has_deflated({15}));
}

TEST(PreparedFrame, ControlFramesAreNeverDeflated) {
    SharedDeflaters deflaters;
    PreparedFrame::DeflateWish wish = Wish(deflaters, {15});
    wish.threshold = 0;
    const auto frame = PreparedFrame::Make(Opcode::kPing, BufferView::Copy(std::string(125, 'a')), wish);
    EXPECT_FALSE(frame->has_deflated({15}));
}

TEST(PreparedFrame, ClientThatKeepsTheWindowReadsSharedVariantsToo) {
    DeflateParams params = Agreed(15);
    params.server_no_context_takeover = false;
    ASSERT_EQ(WireForm::For(params), WireForm{15});
    SharedDeflaters deflaters;
    const PreparedFrame::DeflateWish wish = Wish(deflaters, {15});
    FrameParser parser(Role::kClient, {}, params);
    FrameEvent event;
    for (const std::string& text : {LongText(), LongText().substr(7), LongText()}) {
        const auto frame = PreparedFrame::Make(Opcode::kText, BufferView::Copy(text), wish);
        ASSERT_TRUE(frame->has_deflated({15}));
        std::string wire = Wire(*frame, {15});
        parser.Feed({wire.data(), wire.size()});
        ASSERT_TRUE(parser.Next(event));
        EXPECT_EQ(event.payload.view(), text);
        EXPECT_FALSE(parser.Next(event));
    }
}

TEST(PreparedFrame, ClientWithoutCompressionGetsThePlainForm) {
    EXPECT_EQ(WireForm::For(DeflateParams()), WireForm::Plain());
}

TEST(PreparedFrame, OutlivesItsMakerThroughReferences) {
    Ref<const PreparedFrame> copy;
    {
        const auto frame = PreparedFrame::Make(Opcode::kText, BufferView::Copy("Hello"));
        copy = frame;
    }
    EXPECT_EQ(Wire(*copy), "\x81\x05Hello");
    EXPECT_EQ(copy->payload(), "Hello");
}

}  // namespace
}  // namespace haumea::ws
