#include <fmt/core.h>
#include <openssl/evp.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/clock.h"
#include "codec/json_reader.h"
#include "codec/json_writer.h"
#include "data/cast.h"
#include "data/go_format.h"
#include "data/number_text.h"
#include "template/function.h"

// JSON, base64, hashes, properties.
namespace haumea::text_template {
namespace {

// Empty text when the value has no JSON form, as users of toJson expect; mustToJson says why.
Value ToJsonText(const Value& value, CallContext& ctx, bool must) {
    BufferBuilder out;
    std::string error;
    if (!codec::WriteJson(value.is_missing() ? Value::Null() : value, out, error)) {
        return must ? MakeError(ctx, error) : Value::String("");
    }
    return MakeText(ctx, out.view());
}
Value ToJson(std::span<const Value> args, CallContext& ctx) { return ToJsonText(args[0], ctx, false); }
Value MustToJson(std::span<const Value> args, CallContext& ctx) { return ToJsonText(args[0], ctx, true); }

// Without the escapes that protect HTML. In our own output they are the only \u00.. forms of these
// characters.
Value RawJson(const Value& value, CallContext& ctx, bool must) {
    const Value escaped = ToJsonText(value, ctx, must);
    if (escaped.is_error()) {
        return escaped;
    }
    constexpr std::pair<std::string_view, std::string_view> kEscapes[] = {
        {"\\u003c", "<"}, {"\\u003e", ">"}, {"\\u0026", "&"}, {"\\u2028", "\u2028"}, {"\\u2029", "\u2029"}};
    const std::string_view text = escaped.text();
    std::string out;
    for (size_t at = 0; at < text.size();) {
        if (text[at] != '\\') {
            out += text[at++];
            continue;
        }
        size_t taken = 2;
        std::string_view put = text.substr(at, 2);
        for (const auto& [escape, character] : kEscapes) {
            if (text.substr(at, 6) == escape) {
                taken = 6;
                put = character;
            }
        }
        out += put;
        at += taken;
    }
    return MakeText(ctx, out);
}
Value ToRawJson(std::span<const Value> args, CallContext& ctx) { return RawJson(args[0], ctx, false); }
Value MustToRawJson(std::span<const Value> args, CallContext& ctx) { return RawJson(args[0], ctx, true); }

// In lines, two spaces per level, as Go's json.MarshalIndent.
Value PrettyJson(const Value& value, CallContext& ctx, bool must) {
    const Value compact = ToJsonText(value, ctx, must);
    if (compact.is_error()) {
        return compact;
    }
    const std::string_view text = compact.text();
    std::string out;
    size_t depth = 0;
    bool quoted = false;
    const auto line = [&] { out.append("\n").append(depth * 2, ' '); };
    for (size_t i = 0; i < text.size() && out.size() <= ctx.max_bytes; ++i) {
        const char c = text[i];
        if (quoted) {
            out += c;
            if (c == '\\') {
                out += text[++i];
            }
            quoted = c != '"';
        } else if (c == '{' || c == '[') {
            out += c;
            if (text[i + 1] == '}' || text[i + 1] == ']') {
                out += text[++i];
                continue;
            }
            ++depth;
            line();
        } else if (c == '}' || c == ']') {
            --depth;
            line();
            out += c;
        } else {
            out += c;
            quoted = c == '"';
            if (c == ',') {
                line();
            } else if (c == ':') {
                out += ' ';
            }
        }
    }
    return out.size() > ctx.max_bytes ? Value::Error("the result is too large") : MakeText(ctx, out);
}
Value ToPrettyJson(std::span<const Value> args, CallContext& ctx) { return PrettyJson(args[0], ctx, false); }
Value MustToPrettyJson(std::span<const Value> args, CallContext& ctx) {
    return PrettyJson(args[0], ctx, true);
}

Value Parsed(const Value& text, CallContext& ctx, bool must) {
    char* bytes = static_cast<char*>(ctx.arena.Allocate(text.size() + Buffer::kPadding, 1));
    std::memcpy(bytes, text.text().data(), text.size());
    codec::JsonReader reader({});
    Value value;
    if (!reader.Start({bytes, text.size()}) || !reader.ReadValue(ctx.arena, value) || !reader.Finish()) {
        return must ? MakeError(ctx, reader.error()) : Value::Null();
    }
    return value;
}
Value FromJson(std::span<const Value> args, CallContext& ctx) { return Parsed(args[0], ctx, false); }
Value MustFromJson(std::span<const Value> args, CallContext& ctx) { return Parsed(args[0], ctx, true); }

Value Base64(std::span<const Value> args, CallContext& ctx) {
    const Value& value = args[0];
    std::string text;
    switch (value.type()) {
        case Type::kMissing:
        case Type::kNull:
            return Value::Error("based64 error for nil");
        case Type::kBool:
        case Type::kInt:
            text = GoText(value);
            break;
        case Type::kDouble:
            AppendPlainFloat(text, value.as_double());
            break;
        case Type::kString:
            text = value.text();
            break;
        case Type::kObject:
            text = ToJsonText(value, ctx, true).text();
            break;
        default:
            return MakeError(ctx,
                             fmt::format("Unsupported data type {} for base64 function.", GoTypeName(value)));
    }
    return MakeText(ctx, EncodeBase64(text));
}

Value Base64Encode(std::span<const Value> args, CallContext& ctx) {
    return MakeText(ctx, EncodeBase64(args[0].text()));
}

Value Base64Decode(std::span<const Value> args, CallContext& ctx) {
    const std::string_view text = args[0].text();
    std::string out(text.size() / 4 * 3 + 3, '\0');
    const int length = text.size() % 4 != 0
                           ? -1
                           : EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                             reinterpret_cast<const unsigned char*>(text.data()),
                                             static_cast<int>(text.size()));
    if (length < 0) {
        return Value::String("illegal base64 data at input byte 0");
    }
    const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    out.resize(static_cast<size_t>(length) - padding);
    return MakeText(ctx, out);
}

Value Digest(const Value& text, CallContext& ctx, const EVP_MD* algorithm) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    EVP_Digest(text.text().data(), text.size(), digest, &length, algorithm, nullptr);
    std::string out;
    for (unsigned int i = 0; i < length; ++i) {
        out += fmt::format("{:02x}", digest[i]);
    }
    return MakeText(ctx, out);
}
Value Sha1(std::span<const Value> args, CallContext& ctx) { return Digest(args[0], ctx, EVP_sha1()); }
Value Sha256(std::span<const Value> args, CallContext& ctx) { return Digest(args[0], ctx, EVP_sha256()); }
Value Sha512(std::span<const Value> args, CallContext& ctx) { return Digest(args[0], ctx, EVP_sha512()); }

// prop "et": now in milliseconds; prop "x": environment KUIPER_PROPS_X, else the name itself.
Value Prop(std::span<const Value> args, CallContext& ctx) {
    const std::string key(args[0].text());
    if (key == "et") {
        return MakeText(ctx, fmt::format("{}", SystemClock::Instance().NowMs()));
    }
    std::string variable = "KUIPER_PROPS_";
    for (const char c : key) {
        variable += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    }
    const char* value = std::getenv(variable.c_str());
    return value != nullptr ? MakeText(ctx, value) : args[0];
}

constexpr Function kFunctions[] = {
    {"json", "a", ToJson},
    {"toJson", "a", ToJson},
    {"mustToJson", "a", MustToJson},
    {"toRawJson", "a", ToRawJson},
    {"mustToRawJson", "a", MustToRawJson},
    {"toPrettyJson", "a", ToPrettyJson},
    {"mustToPrettyJson", "a", MustToPrettyJson},
    {"fromJson", "s", FromJson},
    {"mustFromJson", "s", MustFromJson},
    {"base64", "a", Base64},
    {"b64enc", "s", Base64Encode},
    {"b64dec", "s", Base64Decode},
    {"sha1sum", "s", Sha1},
    {"sha256sum", "s", Sha256},
    {"sha512sum", "s", Sha512},
    {"prop", "s", Prop},
};

}  // namespace

std::span<const Function> EncodingFunctions() { return kFunctions; }

}  // namespace haumea::text_template
