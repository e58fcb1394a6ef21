#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "ws/frame_parser.h"
#include "ws/prepared_frame.h"

// Whatever one end writes, the other reads back: random messages, cut into random frames with control frames
// between them, masked or not, deflated or not, and fed in random pieces.

namespace haumea::ws {
namespace {

struct Message {
    FrameEvent::Kind kind;
    std::string payload;

    bool operator==(const Message&) const = default;
};

class Writer {
  public:
    Writer(Role role, const DeflateParams& params, uint32_t seed)
        : role_(role), params_(params), random_(seed) {
        const bool client = role == Role::kClient;
        const bool forgets = client ? params.client_no_context_takeover : params.server_no_context_takeover;
        deflater_ =
            Deflater({.window_bits = client ? params.client_max_window_bits : params.server_max_window_bits,
                      .context_takeover = forgets ? ContextTakeover::kNo : ContextTakeover::kYes});
    }

    // Appends one random message and notes it, with the control frames that got between its fragments before
    // it.
    void Write(std::string& wire, std::vector<Message>& sent) {
        const bool text = Below(2) == 0;
        const std::string payload = text ? Text() : Bytes();
        std::string body = payload;
        const bool deflated = params_.enabled && Below(3) != 0;
        if (deflated) {
            BufferBuilder out;
            ASSERT_TRUE(deflater_.Compress(payload, out));
            body = out.view();
        }
        const size_t frames = Below(3) == 0 ? 1 + Below(5) : 1;
        for (size_t i = 0; i < frames; ++i) {
            const size_t size = i + 1 == frames ? body.size() : Below(body.size() + 1);
            FrameHeader header;
            header.opcode = i == 0 ? (text ? Opcode::kText : Opcode::kBinary) : Opcode::kContinuation;
            header.fin = i + 1 == frames;
            header.rsv1 = deflated && i == 0;
            Append(wire, header, body.substr(0, size));
            body.erase(0, size);
            if (!header.fin && Below(3) == 0) {
                WriteControl(wire, sent);
            }
        }
        sent.push_back({text ? FrameEvent::Kind::kText : FrameEvent::Kind::kBinary, payload});
    }

    void WriteControl(std::string& wire, std::vector<Message>& sent) {
        const bool ping = Below(2) == 0;
        const std::string payload = Bytes().substr(0, Below(126));
        const MaskKey key = Key();
        wire += MakeControlFrame(ping ? Opcode::kPing : Opcode::kPong, payload,
                                 role_ == Role::kClient ? &key : nullptr)
                    .view();
        sent.push_back({ping ? FrameEvent::Kind::kPing : FrameEvent::Kind::kPong, payload});
    }

    void WriteClose(std::string& wire) {
        const MaskKey key = Key();
        wire += MakeCloseFrame(CloseCode::kNormal, "done", role_ == Role::kClient ? &key : nullptr).view();
    }

    size_t Below(size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random_); }

  private:
    MaskKey Key() {
        MaskKey key;
        for (uint8_t& byte : key) {
            byte = static_cast<uint8_t>(random_());
        }
        return key;
    }
    void Append(std::string& wire, FrameHeader header, std::string_view payload) {
        header.masked = role_ == Role::kClient;
        header.mask_key = Key();
        BufferBuilder out;
        AppendFrame(out, header, payload);
        wire += out.view();
    }
    size_t Length() {
        static constexpr size_t kTypical[] = {1, 20, 126, 300, 3000, 70000};
        return Below(kTypical[Below(6)] + 1);
    }
    std::string Bytes() {
        std::string bytes(Length(), '\0');
        for (char& c : bytes) {
            c = static_cast<char>(random_());
        }
        return bytes;
    }
    std::string Text() {
        static constexpr const char* kPieces[] = {
            "a", "{\"temperature\":21.5}", "\u00e9", "\u65e5", "\U0001f600", " "};
        std::string text;
        const size_t length = Length();
        while (text.size() < length) {
            text += kPieces[Below(6)];
        }
        return text;
    }

    Role role_;
    DeflateParams params_;
    std::mt19937 random_;
    Deflater deflater_;
};

void RunOnce(Role writer_role, const DeflateParams& params, uint32_t seed) {
    Writer writer(writer_role, params, seed);
    std::string wire;
    std::vector<Message> sent;
    for (int i = 0; i < 30; ++i) {
        writer.Write(wire, sent);
        if (writer.Below(4) == 0) {
            writer.WriteControl(wire, sent);
        }
    }
    writer.WriteClose(wire);

    FrameParser parser(writer_role == Role::kClient ? Role::kServer : Role::kClient, {}, params);
    std::vector<Message> received;
    FrameEvent event;
    bool closed = false;
    const size_t largest_piece = writer.Below(2) == 0 ? 40 : 20000;
    for (size_t at = 0; at < wire.size();) {
        const size_t size = std::min(wire.size() - at, 1 + writer.Below(largest_piece));
        const Ref<Buffer> buffer = Buffer::Copy({wire.data() + at, size});
        const bool backed = writer.Below(2) == 0;
        parser.Feed({buffer->data(), size}, backed ? Ref<const Buffer>::Share(buffer.get()) : nullptr);
        while (parser.Next(event)) {
            ASSERT_NE(event.kind, FrameEvent::Kind::kError) << event.reason;
            if (event.kind == FrameEvent::Kind::kClose) {
                EXPECT_EQ(event.payload.view(), "done");
                closed = true;
            } else {
                received.push_back({event.kind, std::string(event.payload.view())});
            }
        }
        at += size;
    }
    EXPECT_TRUE(closed);
    ASSERT_EQ(received.size(), sent.size());
    EXPECT_TRUE(received == sent) << "seed " << seed;
}

void RunMany(const DeflateParams& params) {
    for (uint32_t seed = 0; seed < 15; ++seed) {
        RunOnce(Role::kClient, params, seed);
        RunOnce(Role::kServer, params, seed + 1000);
    }
}

TEST(RoundTrip, WithoutCompression) { RunMany({}); }

TEST(RoundTrip, WithContextTakeover) { RunMany({.enabled = true}); }

TEST(RoundTrip, WithoutContextTakeover) {
    RunMany({.enabled = true, .server_no_context_takeover = true, .client_no_context_takeover = true});
}

TEST(RoundTrip, EveryWindowSize) {
    for (uint8_t bits = 8; bits <= 15; ++bits) {
        const DeflateParams params{
            .enabled = true, .server_max_window_bits = bits, .client_max_window_bits = bits};
        RunOnce(Role::kClient, params, bits);
        RunOnce(Role::kServer, params, bits + 100U);
    }
}

TEST(RoundTrip, SharedFramesReadByPlainAndDeflatingClients) {
    std::mt19937 random(5);
    SharedDeflaters deflaters;
    PreparedFrame::DeflateWish wish;
    wish.deflaters = &deflaters;
    wish.forms.Add({15});
    const DeflateParams agreed{.enabled = true, .server_no_context_takeover = true};
    FrameParser plain(Role::kClient);
    FrameParser inflating(Role::kClient, {}, agreed);
    FrameParser late(Role::kClient, {}, agreed);  // misses the first half: nothing may depend on it
    FrameEvent event;
    for (int i = 0; i < 200; ++i) {
        std::string text;
        for (auto k = random() % 200; k > 0; --k) {
            text += "reading " + std::to_string(random() % 50) + ";";
        }
        const auto frame = PreparedFrame::Make(Opcode::kText, BufferView::Copy(text), wish);
        const auto check = [&](FrameParser& parser, WireForm form) {
            std::array<iovec, 2> entries{};
            std::string wire;
            for (size_t sent = 0; frame->Gather(form, sent, entries) != 0; sent = wire.size()) {
                wire.append(static_cast<const char*>(entries[0].iov_base), entries[0].iov_len);
            }
            parser.Feed({wire.data(), wire.size()});
            ASSERT_TRUE(parser.Next(event));
            ASSERT_EQ(event.payload.view(), text);
            ASSERT_FALSE(parser.Next(event));
        };
        check(plain, WireForm::Plain());
        check(inflating, WireForm::For(agreed));
        if (i >= 100) {
            check(late, WireForm::For(agreed));
        }
    }
}

}  // namespace
}  // namespace haumea::ws
