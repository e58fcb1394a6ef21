#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "codec/json_reader.h"
#include "connect/properties.h"
#include "data/buffer.h"
#include "data/value.h"
#include "template/template.h"

namespace haumea::connect {

// The common properties that decide what a message looks like before it is encoded.
struct TransformOptions {
    bool send_single = false;
    bool omit_if_empty = false;
    // The format takes the text of a template as it is (json, delimited, urlencoded).
    bool text_format = true;
    std::string data_template;
    std::string data_field;
    std::vector<std::string> fields;
    std::vector<std::string> exclude_fields;
};

// One thing to encode: a row, a list of rows, or finished text.
struct TransformItem {
    enum class Kind : uint8_t { kRow, kList, kText, kError };
    Kind kind = Kind::kRow;
    Value value;            // kRow, kList
    std::string_view text;  // kText: in the arena; kError: likewise
    Value source;           // the row, or the list of rows, that it was made of

    // How many rows of the result it stands for.
    size_t rows() const noexcept { return source.is_array() ? source.size() : 1; }
};

// First stage behind the batch: rows -> items, in the order omitIfEmpty, dataTemplate, dataField, fields or
// excludeFields. Never changes the rows it gets, which other actions see too. Owned by one action; home loop
// only.
class Transform {
  public:
    static Result<std::unique_ptr<Transform>> Make(TransformOptions options,
                                                   const text_template::Limits& limits = {});

    // Appends what `rows` become: with sendSingle an item per row, else one. Items live in `arena` and in the
    // rows.
    void Apply(std::span<const Value> rows, Arena& arena, std::vector<TransformItem>& items) noexcept;

  private:
    explicit Transform(TransformOptions options) : options_(std::move(options)), reader_({}) {}

    bool selects() const noexcept {
        return !options_.data_field.empty() || !options_.fields.empty() || !options_.exclude_fields.empty();
    }
    // `value` is a row or a list.
    TransformItem MakeItem(const Value& value, Arena& arena) noexcept;
    TransformItem Shape(const Value& value, Arena& arena) noexcept;
    bool FromTemplate(const Value& value, Arena& arena, TransformItem& item) noexcept;
    bool PickDataField(Value& value, Arena& arena, std::string& error) const noexcept;
    bool Select(Value& value, Arena& arena, std::string& error) const noexcept;
    Value SelectRow(const Value& row, Arena& arena) const noexcept;

    TransformOptions options_;  // fields sorted, without duplicates
    std::shared_ptr<const text_template::Template> template_;
    text_template::Limits limits_;
    BufferBuilder rendered_;
    codec::JsonReader reader_;
};

}  // namespace haumea::connect
