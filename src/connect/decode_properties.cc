#include "connect/decode_properties.h"

#include <array>
#include <utility>

#include "codec/compress.h"

namespace haumea::connect {
namespace {

constexpr PropertyDoc kDocs[] = {
    {"decompression", "string", "",
     "zlib, gzip, flate or zstd: every message is compressed that way; of source file, the file"},
    {"maxDecompressedBytes", "integer", "16777216",
     "largest message after decompression; unless given, maxMessageBytes counts here too; file: 256 MiB"},
    {"useInt64ForWholeNumber", "boolean", "false",
     "json without a schema: numbers without a point are bigint"},
    {"fields", "list", "",
     "delimited: names of the columns; otherwise those of the header, or col0, col1 ..."},
    {"quoting", "string", "none",
     "delimited: none (a message is one record, quotes are characters) or rfc4180 (values may be in quotes, "
     "a "
     "row per line)"},
    {"hasHeader", "boolean", "false", "delimited with quoting: the first line of a message has the names"},
};

constexpr int64_t kMostBytes = int64_t{1} << 30;

}  // namespace

std::span<const PropertyDoc> DecodePropertyDocs() { return kDocs; }

codec::Quoting ReadQuoting(PropertyReader& reader, std::string_view delimiter) {
    constexpr std::array<std::string_view, 2> kChoices = {"none", "rfc4180"};
    if (reader.Choice("quoting", kChoices, "none") == "none") {
        return codec::Quoting::kNone;
    }
    if (delimiter.find_first_of("\"\r\n") != std::string_view::npos) {
        reader.Refuse(
            Errorf("property delimiter holds a quote or the end of a line, which quoting rfc4180 has for "
                   "itself: use another delimiter"));
    }
    return codec::Quoting::kRfc4180;
}

Result<DecodeProperties> ReadDecodeProperties(const config::Node& props, std::string what) {
    PropertyReader reader(props, std::move(what));
    DecodeProperties decode;
    decode.decompression = reader.String("decompression");
    if (!decode.decompression.empty()) {
        if (auto made = codec::MakeDecompressor(decode.decompression); !made) {
            reader.Refuse(std::move(made.error()).With("property decompression"));
        }
    }
    const char* const limit = reader.Has("maxDecompressedBytes") ? "maxDecompressedBytes" : "maxMessageBytes";
    decode.max_decompressed_bytes = static_cast<size_t>(
        reader.IntInRange(limit, static_cast<int64_t>(decode.max_decompressed_bytes), 1, kMostBytes));
    decode.whole_numbers_as_int = reader.Bool("useInt64ForWholeNumber", false);
    decode.delimiter = reader.String("delimiter");
    decode.fields = reader.Strings("fields");
    decode.quoting = ReadQuoting(reader, decode.delimiter);
    decode.has_header = reader.Bool("hasHeader", false);
    // To go on without them would turn every message into an error, or into something else.
    for (const char* name : {"payloadField", "payloadFormat", "payloadBatchField", "mergeField", "merger"}) {
        const config::Node* given = props.FindNoCase(name);
        if (given != nullptr && !given->is_null() && !(given->is_string() && given->as_string().empty())) {
            reader.Refuse(Errorf("property {} is not supported yet: remove it from CONF_KEY or EXTRA", name));
        }
    }
    HAUMEA_TRY_VOID(reader.status());
    return decode;
}

}  // namespace haumea::connect
