#include "ws/frame.h"

#include <gtest/gtest.h>

#include <string>

namespace haumea::ws {
namespace {

std::string Header(const FrameHeader& header) {
    char bytes[kMaxHeaderBytes];
    const size_t size = EncodeHeader(header, bytes);
    EXPECT_EQ(size, HeaderBytes(header.payload_bytes, header.masked));
    return {bytes, size};
}

FrameHeader WithPayload(uint64_t payload_bytes) {
    FrameHeader header;
    header.opcode = Opcode::kText;
    header.payload_bytes = payload_bytes;
    return header;
}

TEST(Frame, HeaderTakesTheShortestLengthForm) {
    EXPECT_EQ(Header(WithPayload(0)), std::string("\x81\x00", 2));
    EXPECT_EQ(Header(WithPayload(125)), "\x81\x7D");
    EXPECT_EQ(Header(WithPayload(126)), std::string("\x81\x7E\x00\x7E", 4));
    EXPECT_EQ(Header(WithPayload(65535)), "\x81\x7E\xFF\xFF");
    EXPECT_EQ(Header(WithPayload(65536)), std::string("\x81\x7F\x00\x00\x00\x00\x00\x01\x00\x00", 10));
    EXPECT_EQ(Header(WithPayload(0x0123456789ABCDEF)), "\x81\x7F\x01\x23\x45\x67\x89\xAB\xCD\xEF");
}

TEST(Frame, HeaderCarriesFlagsOpcodeAndKey) {
    FrameHeader header = WithPayload(5);
    header.fin = false;
    header.rsv1 = true;
    header.opcode = Opcode::kBinary;
    header.masked = true;
    header.mask_key = {1, 2, 3, 4};
    EXPECT_EQ(Header(header), "\x42\x85\x01\x02\x03\x04");
}

TEST(Frame, PingOfTheRfcExample) {
    EXPECT_EQ(MakeControlFrame(Opcode::kPing, "Hello", nullptr).view(), "\x89\x05Hello");
}

TEST(Frame, MaskedPongOfTheRfcExample) {
    const MaskKey key = {0x37, 0xFA, 0x21, 0x3D};
    EXPECT_EQ(MakeControlFrame(Opcode::kPong, "Hello", &key).view(),
              "\x8A\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58");
}

TEST(Frame, ControlPayloadIsCutAt125Bytes) {
    const std::string payload(200, 'x');
    EXPECT_EQ(MakeControlFrame(Opcode::kPing, payload, nullptr).view(), "\x89\x7D" + payload.substr(0, 125));
}

TEST(Frame, CloseCarriesCodeAndReason) {
    EXPECT_EQ(MakeCloseFrame(CloseCode::kNormal, "bye", nullptr).view(),
              "\x88\x05\x03\xE8"
              "bye");
}

TEST(Frame, CloseWithoutStatusIsEmpty) {
    EXPECT_EQ(MakeCloseFrame(CloseCode::kNoStatus, "ignored", nullptr).view(), std::string("\x88\x00", 2));
}

TEST(Frame, CloseNeverCarriesACodeThatMayNotBeSent) {
    for (const CloseCode code :
         {CloseCode::kAbnormal, CloseCode::kTlsHandshake, static_cast<CloseCode>(999)}) {
        EXPECT_EQ(MakeCloseFrame(code, "", nullptr).view(), std::string("\x88\x00", 2));
    }
}

TEST(Frame, CloseReasonIsCutBetweenCharacters) {
    std::string reason(122, 'x');
    reason += "\u20ac";
    const ControlFrame frame = MakeCloseFrame(CloseCode::kNormal, reason, nullptr);
    EXPECT_EQ(frame.view().substr(4), std::string(122, 'x'));
}

TEST(Frame, CloseReasonThatIsNotUtf8IsLeftOut) {
    EXPECT_EQ(MakeCloseFrame(CloseCode::kNormal, "\xFF", nullptr).view(), "\x88\x02\x03\xE8");
}

TEST(Frame, AppendWritesHeaderAndMaskedPayload) {
    BufferBuilder out;
    FrameHeader header = WithPayload(999);  // corrected from the payload
    header.masked = true;
    header.mask_key = {0x37, 0xFA, 0x21, 0x3D};
    AppendFrame(out, header, "Hello");
    AppendFrame(out, WithPayload(0), "");
    EXPECT_EQ(out.view(), std::string("\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58\x81\x00", 13));
}

TEST(CloseCode, OnlyRegisteredAndPrivateCodesMayBeSent) {
    for (int code = 0; code <= 65535; ++code) {
        const bool registered = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                                (code >= 3000 && code <= 4999);
        ASSERT_EQ(IsValidOnWire(static_cast<uint16_t>(code)), registered) << code;
    }
}

}  // namespace
}  // namespace haumea::ws
