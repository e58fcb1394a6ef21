#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/decoder.h"
#include "codec/encoder.h"

// The first byte chooses format and schema, the rest is a message of a stream. A message that is refused
// leaves no rows; what was read can be written, and is the same when it is read again.

namespace {

using haumea::codec::ColumnType;

haumea::codec::DecoderOptions Options(uint8_t choice, const haumea::RowLayout& layout) {
    static constexpr const char* kFormats[] = {"json", "json", "delimited", "urlencoded"};
    haumea::codec::DecoderOptions options;
    options.format = kFormats[choice % 4];
    options.layout = &layout;
    options.strict_validation = (choice & 16U) != 0;
    options.whole_numbers_as_int = (choice & 32U) != 0;
    options.max_depth = 32;
    if ((choice & 4U) != 0) {
        options.fields = {"a", "b", "c"};
    }
    if ((choice & 8U) != 0) {
        for (const auto& [name, kind] :
             {std::pair("a", ColumnType::Kind::kBigint), std::pair("b", ColumnType::Kind::kString),
              std::pair("c", ColumnType::Kind::kDatetime), std::pair("d", ColumnType::Kind::kBytea),
              std::pair("e", ColumnType::Kind::kFloat), std::pair("f", ColumnType::Kind::kBoolean)}) {
            haumea::codec::Column column;
            column.name = name;
            column.type.kind = kind;
            options.columns.push_back(std::move(column));
        }
    }
    return options;
}

// All rows as JSON; empty when the message was refused.
std::string Read(uint8_t choice, const haumea::BufferView& message) {
    const haumea::RowLayout layout({"a", "b", "c"}, true);
    auto decoder = haumea::codec::MakeDecoder(Options(choice, layout));
    if (!decoder) {
        return {};
    }
    haumea::Arena arena;
    std::vector<haumea::Row> rows;
    std::string error;
    if (!(*decoder)->Decode(message, arena, rows, error)) {
        if (!rows.empty() || error.empty()) {
            std::abort();
        }
        return {};
    }
    std::vector<std::vector<haumea::Field>> fields;
    std::vector<haumea::Value> values;
    for (const haumea::Row& row : rows) {
        auto& members = fields.emplace_back(row.rest.begin(), row.rest.end());
        for (size_t i = 0; i < layout.size(); ++i) {
            if (!row.slots[i].is_missing()) {
                members.push_back({layout.keys()[i], row.slots[i]});
            }
        }
    }
    for (const auto& members : fields) {
        values.push_back(haumea::Value::Object(members));
    }
    haumea::BufferBuilder out;
    const auto encoder = haumea::codec::MakeEncoder({});
    return (*encoder)->EncodeList(values, out, error) ? std::string(out.view()) : std::string();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) {
        return 0;
    }
    const uint8_t choice = data[0];
    // An allocation of the exact size: a look beyond the end is seen by the sanitizer.
    const auto message = haumea::BufferView::Copy({reinterpret_cast<const char*>(data) + 1, size - 1});
    constexpr uint8_t kSchemaless = 0;
    const std::string once = Read(choice, message);
    if (once.empty()) {
        return 0;
    }
    // What is no UTF-8 is written as an escape and read as a character, hence a second time.
    const std::string twice = Read(kSchemaless, haumea::BufferView::Copy(once));
    if (twice.empty() || Read(kSchemaless, haumea::BufferView::Copy(twice)) != twice) {
        std::abort();
    }
    return 0;
}
