#include "connect/common_properties.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "connect/decode_properties.h"
#include "data/cast.h"

namespace haumea::connect {

namespace {

constexpr PropertyDoc kDocs[] = {
    {"concurrency", "integer", "1", "accepted, the rule option of that name decides"},
    {"bufferLength", "integer", "1024", "messages that wait while the transport does not take them"},
    {"omitIfEmpty", "boolean", "false", "send nothing for an empty result"},
    {"sendSingle", "boolean", "false", "a message per row instead of one array"},
    {"dataTemplate", "string", "", "text template of the message"},
    {"format", "string", "json", "json, delimited, urlencoded or binary"},
    {"schemaId", "string", "", "schema of formats that have one"},
    {"delimiter", "string", ",", "between the values of the delimited format"},
    {"hasHeader", "boolean", "false", "delimited: a first line with the names"},
    {"quoting", "string", "none",
     "delimited: none (values as they are) or rfc4180 (in quotes where they need them, quotes inside "
     "doubled)"},
    {"fields", "list", "", "keep only these keys"},
    {"excludeFields", "list", "", "leave these keys out"},
    {"dataField", "string", "", "send the value of this key instead of the row"},
    {"tableDataField", "string", "", "alias of dataField"},
    {"batchSize", "integer", "0", "rows joined in one message; 0: no limit, lingerInterval alone decides"},
    {"lingerInterval", "duration", "0", "longest time from the first row of a batch to its end"},
    {"compression", "string", "", "zlib, gzip, flate or zstd"},
    {"compressionProps", "map", "", "level (zlib, gzip, flate: 0 to 9; zstd: 1 to 22), windowSize (zstd)"},
    {"encryption", "string", "", "aes"},
    {"encProps", "map", "", "mode (gcm, cfb), iv, aad (base64), tagsize"},
    {"sendError", "boolean", "",
     "rows {\"error\":\"...\"} for what fails; unless given, the rule option counts"},
    {"enableCache", "boolean", "false", "keep messages that cannot be delivered"},
    {"memoryCacheThreshold", "integer", "1024", "cache: messages in memory"},
    {"maxDiskCache", "integer", "1024000", "cache: messages on disk; beyond, the oldest page goes"},
    {"maxDiskCacheBytes", "integer", "4294967296", "cache: their bytes"},
    {"bufferPageSize", "integer", "256", "cache: messages read, and dropped when it is full, at a time"},
    {"resendInterval", "duration", "0", "cache: pause between messages that are sent late, at most 24h"},
    {"cleanCacheAtStop", "boolean", "false", "cache: forget when the rule stops"},
    {"resendAlterQueue", "boolean", "false", "cache: send late messages beside new ones, not before them"},
    {"resendPriority", "integer", "0",
     "resendAlterQueue: 1 late messages first, 0 in turn, -1 new ones first"},
    {"resendIndicatorField", "string", "", "cache: field that is true in messages sent late (format json)"},
    {"resendDestination", "string", "",
     "resendAlterQueue: where late messages go: a path, client role also host:port/path"},
    {"resourceId", "string", "", "named group of properties"},
    {"connectionSelector", "string", "", "named connection"},
};

std::string Lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text;
}

// base64 of `name` in encProps.
std::string ReadBase64(PropertyReader& reader, PropertyReader& inner, std::string_view name) {
    const std::string text = inner.String(name);
    auto bytes = DecodeBase64(text);
    if (!bytes) {
        reader.Refuse(Errorf(
            "encProps.{} is no base64: encode its bytes with the standard alphabet and padding", name));
        return {};
    }
    return *bytes;
}

void ReadCodecs(PropertyReader& reader, CommonProperties& common) {
    common.compression = reader.String("compression");
    constexpr std::array<std::string_view, 5> kCompressors = {"", "zlib", "gzip", "flate", "zstd"};
    if (std::find(kCompressors.begin(), kCompressors.end(), common.compression) == kCompressors.end()) {
        reader.Refuse(Errorf(
            "get compressor {0} fail with error: unsupported compressor: {0}: use zlib, gzip, flate or zstd",
            common.compression));
    }
    if (const config::Node* props = reader.Map("compressionProps")) {
        PropertyReader inner(*props, "compressionProps");
        if (inner.Has("level")) {
            common.compressor.level = inner.Int("level", 0);
        }
        if (inner.Has("windowSize")) {
            const int64_t window = common.compressor.window_bytes = inner.Int("windowSize", 0);
            if (window < (1 << 10) || window > (512 << 20) || (window & (window - 1)) != 0) {
                inner.Refuse(
                    Errorf("windowSize is {}, but has to be a power of two from 1024 to 536870912", window));
            }
        }
        if (!common.compression.empty()) {
            if (auto made = codec::MakeCompressor(common.compression, common.compressor); !made) {
                inner.Refuse(std::move(made.error()));
            }
        }
        if (auto status = inner.status(); !status) {
            reader.Refuse(status.error());
        }
    }
    common.encryption = reader.String("encryption");
    if (common.encryption == "default") {
        reader.Refuse(Errorf("get encryptor default fail with error: default encryption is not configured"));
    } else if (!common.encryption.empty() && common.encryption != "aes") {
        reader.Refuse(Errorf("get encryptor {0} fail with error: encryptor '{0}' is not supported: use aes",
                             common.encryption));
    }
    if (const config::Node* props = reader.Map("encProps")) {
        PropertyReader inner(*props, "encProps");
        common.cipher_mode = inner.String("mode", "gcm");
        common.cipher_iv = ReadBase64(reader, inner, "iv");
        common.cipher_aad = ReadBase64(reader, inner, "aad");
        common.cipher_tag_size = inner.IntInRange("tagsize", 16, 0, 1024);
        if (auto status = inner.status(); !status) {
            reader.Refuse(status.error());
        }
    }
}

constexpr int64_t kMaxPageMessages = 65'536;
constexpr int64_t kMaxResendIntervalMs = 24LL * 3600 * 1000;  // as the durations of a connection

void ReadCache(PropertyReader& reader, CommonProperties& common) {
    common.enable_cache = reader.Bool("enableCache", false);
    const int64_t threshold = reader.Int("memoryCacheThreshold", 1024);
    const int64_t disk = reader.Int("maxDiskCache", 1024000);
    const int64_t page = reader.Int("bufferPageSize", 256);
    const int64_t priority = reader.Int("resendPriority", 0);
    const int64_t interval = reader.DurationMs("resendInterval", 0);
    const auto refuse = [&reader](const char* text, const std::string& is) {
        reader.Refuse(Errorf("invalid cache properties: {}, but {}", text, is));
    };
    const auto is = [](const char* name, int64_t value) { return fmt::format("{} is {}", name, value); };
    const std::string page_is = is("bufferPageSize", page);
    const std::string threshold_is = is("memoryCacheThreshold", threshold);
    const std::string disk_is = is("maxDiskCache", disk);
    if (page <= 0) {
        refuse("bufferPageSize:bufferPageSize must be positive", page_is);
    } else if (threshold < 0) {
        refuse("memoryCacheThreshold:memoryCacheThreshold must be positive", threshold_is);
    } else if (threshold < page) {
        refuse(
            "memoryCacheThresholdTooSmall:memoryCacheThreshold must be greater than or equal to "
            "bufferPageSize",
            threshold_is + " and " + page_is);
    } else if (threshold % page != 0) {
        refuse("memoryCacheThresholdNotMultiple:memoryCacheThreshold must be a multiple of bufferPageSize",
               threshold_is + " and " + page_is);
    } else if (disk < 0) {
        refuse("maxDiskCache:maxDiskCache must be positive", disk_is);
    } else if (disk < page) {
        refuse("maxDiskCacheTooSmall:maxDiskCache must be greater than bufferPageSize",
               disk_is + " and " + page_is);
    } else if (disk % page != 0) {
        refuse("maxDiskCacheNotMultiple:maxDiskCache must be a multiple of bufferPageSize",
               disk_is + " and " + page_is);
    } else if (interval < 0) {
        refuse("resendInterval:resendInterval must be positive", is("it", interval) + " ms");
    } else if (interval > kMaxResendIntervalMs) {
        refuse("resendInterval:resendInterval must be at most 24h", is("it", interval) + " ms");
    } else if (priority < -1 || priority > 1) {
        refuse("resendPriority:resendPriority must be -1, 0 or 1", is("it", priority));
    }
    CacheSettings& cache = common.cache;
    cache.backlog.memory_messages = static_cast<size_t>(std::max<int64_t>(threshold, 1));
    cache.backlog.disk_messages = static_cast<uint64_t>(std::max<int64_t>(disk, 1));
    cache.backlog.page_messages = static_cast<size_t>(std::clamp<int64_t>(page, 1, kMaxPageMessages));
    cache.backlog.disk_bytes =
        static_cast<uint64_t>(reader.IntInRange("maxDiskCacheBytes", 4LL << 30, 1 << 20, INT64_MAX));
    cache.resend_interval_ms = interval;
    cache.clean_at_stop = reader.Bool("cleanCacheAtStop", false);
    cache.alter_queue = reader.Bool("resendAlterQueue", false);
    cache.priority = static_cast<int>(priority);
    common.resend_indicator_field = reader.String("resendIndicatorField");
    common.resend_destination = reader.String("resendDestination");
}

}  // namespace

std::span<const PropertyDoc> CommonSourcePropertyDocs() {
    static constexpr PropertyDoc kSource[] = {
        {"connectionSelector", "string", "", "named connection (websocket)"},
        {"datasource", "string", "", "the option DATASOURCE of the stream sets it"},
        {"format", "string", "json", "the option FORMAT of the stream sets it"},
        {"delimiter", "string", ",", "the option DELIMITER of the stream sets it"},
        {"key", "string", "", "the option KEY of the stream sets it"},
        {"payloadField", "string", "", "not supported yet"},
        {"payloadFormat", "string", "", "not supported yet"},
        {"payloadBatchField", "string", "", "not supported yet"},
        {"mergeField", "string", "", "not supported yet"},
        {"merger", "string", "", "not supported yet"},
    };
    return kSource;
}

std::span<const PropertyDoc> CommonPropertyDocs() { return kDocs; }

Result<CommonProperties> ReadCommonProperties(const config::Node& props) {
    PropertyReader reader(props, "fail to parse sink configuration");
    CommonProperties common;
    TransformOptions& transform = common.transform;
    transform.send_single = reader.Bool("sendSingle", false);
    transform.omit_if_empty = reader.Bool("omitIfEmpty", false);
    transform.data_template = reader.String("dataTemplate");
    transform.data_field = reader.Aliased("dataField", "tableDataField");
    transform.fields = reader.Strings("fields");
    transform.exclude_fields = reader.Strings("excludeFields");
    common.encoder.format = Lower(reader.String("format", "json"));
    common.encoder.format = common.encoder.format.empty() ? "json" : common.encoder.format;
    transform.text_format = common.encoder.format == "json" || common.encoder.format == "delimited" ||
                            common.encoder.format == "urlencoded";
    common.encoder.delimiter = reader.String("delimiter");
    common.encoder.has_header = reader.Bool("hasHeader", false);
    common.batch_header = reader.Bool("hasHeader", true);
    common.encoder.quoting = ReadQuoting(reader, common.encoder.delimiter);
    common.encoder.fields = transform.fields;
    common.batch_size = reader.Int("batchSize", 0);
    common.linger_ms = reader.DurationMs("lingerInterval", 0);
    if (common.batch_size < 0) {
        reader.Refuse(Errorf("invalid batchSize {}: it has to be 0 (off) or more", common.batch_size));
    }
    if (common.linger_ms < 0) {
        reader.Refuse(Errorf("invalid lingerInterval {}ms, must be positive", common.linger_ms));
    }
    if (reader.Has("sendError")) {
        common.send_error = reader.Bool("sendError", false);
    }
    static_cast<void>(reader.Int("concurrency", 1));
    for (const char* name : {"schemaId", "resourceId", "connectionSelector"}) {
        static_cast<void>(reader.String(name));  // others use it; a value that is no text is a mistake
    }
    if (reader.Has("bufferLength")) {
        common.buffer_length = reader.IntInRange("bufferLength", 1024, 1, 10'000'000);
    }
    ReadCodecs(reader, common);
    ReadCache(reader, common);
    HAUMEA_TRY_VOID(reader.status());
    return common;
}

}  // namespace haumea::connect
