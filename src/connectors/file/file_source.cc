#include "connectors/file/file_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>
#include <vector>

#include "codec/compress.h"
#include "codec/delimited.h"
#include "codec/json_reader.h"
#include "connect/decode_properties.h"
#include "connect/properties.h"
#include "connect/services.h"
#include "connectors/file/file_path.h"
#include "connectors/file/line_reader.h"

namespace haumea::connectors {

namespace {

constexpr connect::PropertyDoc kDocs[] = {
    {"path", "string", "", "folder of the file; DATASOURCE names it, or is its absolute path"},
    {"fileType", "string", "json", "json (one value, an array gives a row per element), lines or csv"},
    {"interval", "duration", "0", "read the file again after that long; 0: once"},
    {"sendInterval", "duration", "0", "pause between two rows"},
    {"loop", "boolean", "false", "begin again at the end, at once"},
    {"hasHeader", "boolean", "false", "csv: the first line names the columns"},
    {"columns", "list", "", "csv: names of the columns"},
    {"delimiter", "string", ",", "csv: between the values; the option DELIMITER of the stream sets it"},
    {"ignoreStartLines", "integer", "0", "lines to skip at the start"},
    {"ignoreEndLines", "integer", "0", "lines to leave out at the end"},
    {"actionAfterRead", "integer", "0", "only 0: the file stays where it is"},
    {"moveTo", "string", "", "accepted without effect: the file stays where it is"},
};

using connect::Flow;

enum class FileType : uint8_t { kJson, kCsv, kLines };
constexpr std::array<std::string_view, 3> kFileTypes = {"json", "csv", "lines"};

struct Settings {
    FileType type = FileType::kJson;
    std::string path;
    int64_t interval_ms = 0;       // 0: read once, then end
    int64_t send_interval_ms = 0;  // between rows
    bool has_header = false;
    std::vector<std::string> columns;
    size_t ignore_start_lines = 0;
    size_t ignore_end_lines = 0;
    std::string delimiter = ",";
    codec::Quoting quoting = codec::Quoting::kNone;  // csv
    std::string decompression;                       // of the whole file
    size_t max_decompressed_bytes = 0;
};

constexpr size_t kMaxJsonBytes = 256U << 20U;
constexpr int kRowsPerTurn = 256;
constexpr int kEmptyLinesPerTurn = 1024;  // then the other sources have their turn
constexpr size_t kShownRecord = 80;

// Replays one file: `json` a document whose elements are rows, `csv` lines of values, `lines` a message in
// the stream's format per line. Reads in small steps on the loop. Owned by the rule; home loop only.
class FileSource final : public connect::Source {
  public:
    FileSource(io::Scheduler& scheduler, Settings settings)
        : scheduler_(&scheduler), settings_(std::move(settings)), reader_({}), timer_(scheduler) {
        // The name was checked before.
        if (auto made = codec::MakeDecompressor(settings_.decompression); made) {
            decompressor_ = std::move(*made);
        }
    }

    Result<void> Start(connect::SourceListener& listener) override {
        listener_ = &listener;
        HAUMEA_TRY_VOID(OpenFile());
        listener.OnConnection(metrics::ConnectionState::kConnected, "", scheduler_->clock().NowMs());
        Continue(0);
        return {};
    }
    void Stop() override {
        listener_ = nullptr;
        timer_.Cancel();
        lines_.reset();
    }
    void Resume() override {
        if (std::exchange(paused_, false) && listener_ != nullptr) {
            Continue(0);
        }
    }

  private:
    Result<void> OpenFile();
    Result<void> OpenJson();
    void Continue(int64_t delay_ms) {
        timer_.Start(delay_ms, [this] { Turn(); });
    }
    void Turn();
    // kEnd: nothing is left. `flow` is what the listener said to the row, if there was one.
    bool SendNext(Flow& flow);
    bool NextLine(std::string& line);
    LineReader::Outcome NextRecord(std::string& record);
    bool SplitCsv(std::string_view record, std::vector<std::string_view>& values, std::string& error);
    Flow SendCsv(std::string_view record);
    bool SendJsonElement(Flow& flow);
    void AtEnd();

    io::Scheduler* scheduler_;
    Settings settings_;
    connect::SourceListener* listener_ = nullptr;
    std::unique_ptr<codec::Decompressor> decompressor_;  // null: the file is not compressed
    std::unique_ptr<LineReader> lines_;
    std::deque<std::string> held_;  // lines that may be among the last ones to ignore
    std::vector<std::string> header_;
    BufferView document_;  // json
    codec::JsonReader reader_;
    bool in_array_ = false;
    bool json_done_ = false;
    Arena arena_;
    bool paused_ = false;
    io::Timer timer_;
};

Result<void> FileSource::OpenFile() {
    HAUMEA_TRY(lines_, LineReader::Open(settings_.path));
    held_.clear();
    if (decompressor_) {
        if (auto plain = lines_->Decompress(*decompressor_, settings_.max_decompressed_bytes); !plain) {
            return Failf("file {}: {}", settings_.path, plain.error().message);
        }
    }
    if (settings_.type == FileType::kJson) {
        return OpenJson();
    }
    std::string_view line;
    for (size_t i = 0; i < settings_.ignore_start_lines; ++i) {
        lines_->Next(line);
    }
    header_ = settings_.columns;
    std::string record;
    if (settings_.type == FileType::kCsv && settings_.has_header &&
        NextRecord(record) == LineReader::Outcome::kLine) {
        arena_.Reset();
        std::vector<std::string_view> names;
        std::string error;
        if (!SplitCsv(record, names, error)) {
            return Failf("file {}: its first line is no header: {}", settings_.path, error);
        }
        if (header_.empty()) {
            header_.assign(names.begin(), names.end());
        }
    }
    return {};
}

// A line; of csv with quotes as many as the values in quotes run over.
LineReader::Outcome FileSource::NextRecord(std::string& record) {
    codec::RecordEnd end(settings_.delimiter);
    record.clear();
    std::string_view line;
    for (;;) {
        const LineReader::Outcome outcome = lines_->Next(line);
        if (outcome == LineReader::Outcome::kEnd && !record.empty()) {
            return LineReader::Outcome::kLine;  // a quote was never closed, which whoever splits it will say
        }
        if (outcome != LineReader::Outcome::kLine) {
            return outcome;
        }
        record.append(line);
        if (settings_.quoting == codec::Quoting::kNone || end.IsLast(line)) {
            return outcome;
        }
        if (record.size() > LineReader::kMaxLineBytes) {
            return LineReader::Outcome::kTooLong;
        }
        record.append(lines_->ending());
    }
}

bool FileSource::SplitCsv(std::string_view record, std::vector<std::string_view>& values,
                          std::string& error) {
    if (settings_.quoting == codec::Quoting::kRfc4180) {
        return codec::RecordReader(record, settings_.delimiter).Next(arena_, values, error);
    }
    for (;;) {
        const size_t end = record.find(settings_.delimiter);
        values.push_back(record.substr(0, end));
        if (end == std::string_view::npos) {
            return true;
        }
        record.remove_prefix(end + settings_.delimiter.size());
    }
}

Result<void> FileSource::OpenJson() {
    std::string content;
    if (!lines_->ReadAll(content, kMaxJsonBytes)) {
        return Failf(
            "cannot read file {} as one JSON document: it is larger than {} MiB or unreadable: use fileType "
            "lines",
            settings_.path, kMaxJsonBytes >> 20U);
    }
    document_ = BufferView::Copy(content);
    json_done_ = false;
    in_array_ = false;
    if (!reader_.Start(document_.view())) {
        return Failf("file {}: {}", settings_.path, reader_.error());
    }
    if (reader_.Peek() == '[') {
        in_array_ = reader_.EnterArray();
    }
    return {};
}

void FileSource::Turn() {
    for (int i = 0; i < kRowsPerTurn; ++i) {
        Flow flow = Flow::kContinue;
        if (!SendNext(flow)) {
            AtEnd();
            return;
        }
        if (listener_ == nullptr) {
            return;
        }
        if (flow == Flow::kPause) {
            paused_ = true;
            return;
        }
        if (settings_.send_interval_ms > 0) {
            Continue(settings_.send_interval_ms);
            return;
        }
    }
    Continue(0);
}

bool FileSource::SendNext(Flow& flow) {
    if (settings_.type == FileType::kJson) {
        return SendJsonElement(flow);
    }
    std::string line;
    for (int empty = 0; line.empty(); ++empty) {
        if (empty == kEmptyLinesPerTurn) {
            return true;
        }
        if (!NextLine(line)) {
            return false;
        }
    }
    flow = settings_.type == FileType::kCsv
               ? SendCsv(line)
               : listener_->OnBytes(BufferView::Copy(line), scheduler_->clock().NowMs(), nullptr);
    return true;
}

// The last `ignore_end_lines` lines stay held when the file ends.
bool FileSource::NextLine(std::string& line) {
    while (held_.size() <= settings_.ignore_end_lines) {
        std::string read;
        switch (NextRecord(read)) {
            case LineReader::Outcome::kLine:
                held_.push_back(std::move(read));
                break;
            case LineReader::Outcome::kTooLong:
                listener_->OnError(Errorf("file {}: a line longer than {} MiB was skipped", settings_.path,
                                          LineReader::kMaxLineBytes >> 20U));
                break;
            case LineReader::Outcome::kFailed:
                listener_->OnError(Errorf("file {}: reading failed", settings_.path));
                return false;
            case LineReader::Outcome::kEnd:
                return false;
        }
    }
    line = std::move(held_.front());
    held_.pop_front();
    return true;
}

Flow FileSource::SendCsv(std::string_view record) {
    arena_.Reset();
    std::vector<std::string_view> values;
    std::string error;
    if (!SplitCsv(record, values, error)) {
        listener_->OnError(Errorf("file {}: {}, in the record \"{}\"", settings_.path, error,
                                  record.substr(0, std::min(record.find('\n'), kShownRecord))));
        return Flow::kContinue;
    }
    std::vector<Field> fields;
    for (size_t column = 0; column < values.size() && (header_.empty() || column < header_.size());
         ++column) {
        const std::string_view name =
            header_.empty() ? arena_.Copy(fmt::format("col{}", column)) : std::string_view(header_[column]);
        fields.push_back({name, Value::String(values[column])});
    }
    const size_t count = SortFields(fields);
    return listener_->OnRow(Value::Object({fields.data(), count}), scheduler_->clock().NowMs(), nullptr);
}

bool FileSource::SendJsonElement(Flow& flow) {
    bool done = json_done_;
    if (!done && in_array_ && !reader_.NextElement(done)) {
        listener_->OnError(Errorf("file {}: {}", settings_.path, reader_.error()));
        done = true;
    }
    if (done) {
        return false;
    }
    json_done_ = !in_array_;
    arena_.Reset();
    Value row;
    if (!reader_.ReadValue(arena_, row)) {
        listener_->OnError(Errorf("file {}: {}", settings_.path, reader_.error()));
        json_done_ = true;
        return false;
    }
    if (!row.is_object()) {
        listener_->OnError(Errorf("file {}: an element is no object", settings_.path));
        return true;
    }
    flow = listener_->OnRow(row, scheduler_->clock().NowMs(), nullptr);
    return true;
}

void FileSource::AtEnd() {
    if (listener_ == nullptr) {
        return;
    }
    lines_.reset();
    document_ = {};
    if (settings_.interval_ms == 0) {
        std::exchange(listener_, nullptr)->OnEnd("");
        return;
    }
    timer_.Start(settings_.interval_ms, [this] {
        if (auto opened = OpenFile(); !opened) {
            listener_->OnError(std::move(opened.error()));
            AtEnd();
            return;
        }
        Turn();
    });
}

}  // namespace

std::span<const connect::PropertyDoc> FileSourcePropertyDocs() { return kDocs; }

Result<std::unique_ptr<connect::Source>> MakeFileSource(const connect::SourceSpec& spec,
                                                        connect::Services& services) {
    connect::PropertyReader reader(spec.props, "source file");
    Settings settings;
    const std::string type = reader.Choice("fileType", kFileTypes, kFileTypes[0]);
    settings.type = type == "csv" ? FileType::kCsv : type == "lines" ? FileType::kLines : FileType::kJson;
    settings.interval_ms = reader.DurationMs("interval", 0);
    settings.send_interval_ms = reader.DurationMs("sendInterval", 0);
    settings.has_header = reader.Bool("hasHeader", false);
    settings.columns = reader.Strings("columns");
    settings.ignore_start_lines = static_cast<size_t>(reader.IntInRange("ignoreStartLines", 0, 0, 1'000'000));
    settings.ignore_end_lines = static_cast<size_t>(reader.IntInRange("ignoreEndLines", 0, 0, 1'000'000));
    settings.delimiter = reader.String("delimiter", ",");
    settings.delimiter = settings.delimiter.empty() ? "," : settings.delimiter;
    if (reader.Bool("loop", false) && settings.interval_ms == 0) {
        settings.interval_ms = 1;
    }
    if (settings.interval_ms < 0 || settings.send_interval_ms < 0) {
        reader.Refuse(Errorf("interval and sendInterval may not be negative"));
    }
    if (reader.Int("actionAfterRead", 0) != 0) {
        reader.Refuse(Errorf("actionAfterRead other than 0 is not supported yet: files stay where they are"));
    }
    const std::string folder = reader.String("path");
    if (spec.datasource.empty()) {
        reader.Refuse(Errorf("DATASOURCE is empty: it names the file"));
    }
    HAUMEA_TRY_VOID(reader.status());
    HAUMEA_TRY(const connect::DecodeProperties decode,
               connect::ReadDecodeProperties(spec.props, "source file"));
    settings.decompression = decode.decompression;
    settings.quoting = decode.quoting;
    settings.max_decompressed_bytes =
        reader.Has("maxDecompressedBytes") ? decode.max_decompressed_bytes : kMaxJsonBytes;
    const std::string name =
        folder.empty() || spec.datasource.starts_with('/') ? spec.datasource : folder + "/" + spec.datasource;
    settings.path = FileToRead(name, services.data_dir);
    return std::make_unique<FileSource>(*services.scheduler, std::move(settings));
}

}  // namespace haumea::connectors
