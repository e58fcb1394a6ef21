#include "codec/json_index.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>

#include "data/buffer.h"

namespace haumea::codec {

static_assert(Buffer::kPadding >= simdjson::SIMDJSON_PADDING);

struct JsonIndex::Impl {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
    size_t capacity = 0;

    bool EnsureCapacity(size_t size) noexcept {
        if (parser && size <= capacity && (capacity <= kKeptCapacity || size > kKeptCapacity)) [[likely]] {
            return true;
        }
        const size_t wanted = std::max<size_t>(size, 4096);
        // Depth is our own affair: only the first pass of the parser is used.
        parser.reset();
        capacity = 0;
        if (simdjson::get_active_implementation()->create_dom_parser_implementation(wanted, 1, parser) !=
            simdjson::SUCCESS) {
            return false;
        }
        capacity = wanted;
        return true;
    }
};

JsonIndex::JsonIndex() : impl_(std::make_unique<Impl>()) {}
JsonIndex::~JsonIndex() = default;

bool JsonIndex::Build(const char* text, size_t size, std::string& error) noexcept {
    count_ = 0;
    if (size >= simdjson::SIMDJSON_MAXSIZE_BYTES || !impl_->EnsureCapacity(size)) {
        error = fmt::format("cannot parse JSON: a message of {} bytes is too large", size);
        return false;
    }
    const auto* bytes = reinterpret_cast<const uint8_t*>(text);
    const auto code = impl_->parser->stage1(bytes, size, simdjson::stage1_mode::regular);
    switch (code) {
        case simdjson::SUCCESS:
            break;
        case simdjson::EMPTY:
            error = "cannot parse JSON: the message is empty";
            return false;
        case simdjson::UTF8_ERROR:
            error = "cannot parse JSON: the message is not valid UTF-8";
            return false;
        case simdjson::UNESCAPED_CHARS:
            error = "cannot parse JSON: a string contains a raw control character; write it as an escape";
            return false;
        case simdjson::UNCLOSED_STRING:
            error = "cannot parse JSON: a string has no closing quote";
            return false;
        default:
            error = fmt::format("cannot parse JSON: {}", simdjson::error_message(code));
            return false;
    }
    offsets_ = impl_->parser->structural_indexes.get();
    count_ = impl_->parser->n_structural_indexes;
    if (count_ == 0) {
        error = "cannot parse JSON: the message is empty";
        return false;
    }
    return true;
}

}  // namespace haumea::codec
