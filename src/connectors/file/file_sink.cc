#include "connectors/file/file_sink.h"

#include <fmt/core.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/regular_file.h"
#include "connect/common_properties.h"
#include "connect/services.h"
#include "connectors/file/file_path.h"

namespace haumea::connectors {

namespace {

constexpr connect::PropertyDoc kDocs[] = {
    {"path", "string", "", "file to write"},
    {"fileType", "string", "lines", "lines (a message per line), csv (likewise) or json (one array)"},
};
constexpr std::array<std::string_view, 3> kFileTypes = {"lines", "json", "csv"};

// A message per line, or all of them as one JSON array that is closed at the end. Owned by one action; home
// loop only.
class FileSink final : public connect::MessageSink {
  public:
    FileSink(const Clock& clock, std::string path, bool json)
        : clock_(&clock), path_(std::move(path)), json_(json) {}
    ~FileSink() override { FileSink::Close(); }
    FileSink(const FileSink&) = delete;
    FileSink& operator=(const FileSink&) = delete;

    Result<void> Open(metrics::NodeStats& stats) override {
        stats_ = &stats;
        auto file = OpenRegularFile(path_, json_ ? FileMode::kOverwrite : FileMode::kAppend);
        if (!file) {
            return Failf("sink file: cannot open {}: {}", path_, file.error().message);
        }
        file_ = std::move(*file);
        stats.SetConnection(metrics::ConnectionState::kConnected, "", clock_->NowMs());
        return {};
    }
    connect::Delivery Send(const connect::EncodedMessage& message) noexcept override {
        if (file_ == nullptr) {
            return connect::Delivery::kDropped;
        }
        bool good = !json_ || std::fputc(first_ ? '[' : ',', file_.get()) != EOF;
        first_ = false;
        good = good &&
               std::fwrite(message.payload.ptr, 1, message.payload.len, file_.get()) == message.payload.len;
        good = good && (json_ || std::fputc('\n', file_.get()) != EOF) && std::fflush(file_.get()) == 0;
        if (!good) {
            stats_->CountDropped();
            stats_->CountException(fmt::format("cannot write to {}: {}", path_, std::strerror(errno)),
                                   clock_->NowMs());
            std::clearerr(file_.get());
            return connect::Delivery::kDropped;
        }
        return connect::Delivery::kAccepted;
    }
    void SetReadyCallback(std::function<void()> ready) override { static_cast<void>(ready); }
    void Close() override {
        if (file_ == nullptr) {
            return;
        }
        if (json_) {
            std::fputs(first_ ? "[]" : "]", file_.get());
        }
        file_.reset();
    }

  private:
    const Clock* clock_;
    std::string path_;
    bool json_;
    bool first_ = true;
    FilePtr file_;
    metrics::NodeStats* stats_ = nullptr;
};

}  // namespace

std::span<const connect::PropertyDoc> FileSinkPropertyDocs() { return kDocs; }

Result<std::unique_ptr<connect::MessageSink>> MakeFileSink(const connect::SinkSpec& spec,
                                                           connect::Services& services) {
    connect::PropertyReader reader(spec.props, "sink file");
    const std::string path = reader.String("path");
    const std::string type = reader.Choice("fileType", kFileTypes, kFileTypes[0]);
    if (path.empty()) {
        reader.Refuse(Errorf("property path is required"));
    } else if (path.find("{{") != std::string::npos) {
        reader.Refuse(Errorf("property path is \"{}\": templates in it are not supported yet", path));
    }
    HAUMEA_TRY_VOID(reader.status());
    if (spec.warnings != nullptr) {
        connect::WarnUnknown(spec.props, "sink file", {connect::CommonPropertyDocs(), kDocs}, *spec.warnings);
    }
    return std::make_unique<FileSink>(services.scheduler->clock(), FileToWrite(path, services.data_dir),
                                      type == "json");
}

}  // namespace haumea::connectors
