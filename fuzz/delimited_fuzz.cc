#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "codec/decoder.h"
#include "codec/delimited.h"

namespace {

using Records = std::vector<std::vector<std::string>>;

Records Read(std::string_view text, std::string_view delimiter) {
    haumea::Arena arena;
    haumea::codec::RecordReader reader(text, delimiter);
    std::vector<std::string_view> values;
    std::string error;
    Records records;
    while (reader.Next(arena, values, error)) {
        records.emplace_back(values.begin(), values.end());
    }
    return records;
}

}  // namespace

// Any bytes as delimited text: reading ends, what was read comes back when it is written and read again, and
// the decoder takes the message or says why not.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) {
        return 0;
    }
    constexpr std::string_view kDelimiters[] = {",", ";", "\t", "||", "ab", " "};
    const std::string_view delimiter = kDelimiters[data[0] % 6];
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Records records = Read(text, delimiter);
    haumea::BufferBuilder again;
    for (const auto& record : records) {
        for (size_t i = 0; i < record.size(); ++i) {
            again.Append(i == 0 ? std::string_view() : delimiter);
            haumea::codec::AppendQuoted(record[i], delimiter, record.size() == 1, again);
        }
        again.Append('\n');
    }
    if (Read(again.view(), delimiter) != records) {
        std::abort();
    }
    const haumea::RowLayout layout({}, true);
    haumea::codec::DecoderOptions options;
    options.format = "delimited";
    options.layout = &layout;
    options.delimiter = delimiter;
    options.quoting = haumea::codec::Quoting::kRfc4180;
    options.has_header = (data[0] & 0x80U) != 0;
    const auto decoder = haumea::codec::MakeDecoder(options);
    haumea::Arena arena;
    std::vector<haumea::Row> rows;
    std::string error;
    (*decoder)->Decode(haumea::BufferView::Copy(text), arena, rows, error);
    return 0;
}
