#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "base/error_text.h"
#include "io/scheduler.h"
#include "io/stream.h"

namespace haumea::io::testing {

// One direction of a pair: bytes on their way, and who waits at its ends.
struct MemoryPipe {
    std::string bytes;
    size_t capacity = 64U << 10U;                               // what the "socket buffers" hold
    size_t max_per_write = std::numeric_limits<size_t>::max();  // what one call takes
    size_t max_per_read = std::numeric_limits<size_t>::max();
    bool finished = false;  // the writer has said goodbye
    bool broken = false;    // the reader has gone: writing fails with EPIPE
    std::function<void()> reader;
    std::function<void()> writer;
    size_t writes = 0;  // calls that moved bytes
};

// A connected stream in memory, for tests on any Scheduler: no sockets, virtual time, and a peer that takes
// as much as the test says. Behaves like TCP: partial writes, end of stream, EPIPE.
class MemoryStream final : public Stream {
  public:
    // What the test may turn while the owner of the stream works: both directions, and failures. Lives as
    // long as either end.
    struct Wire {
        explicit Wire(Scheduler& the_scheduler) : scheduler(&the_scheduler) {}
        Scheduler* scheduler;
        MemoryPipe pipes[2];  // [0]: first end to second, [1]: back

        // Both ends fail with this from now on ("connection reset by peer").
        void Reset(int error = ECONNRESET) {
            reset_error = error;
            for (MemoryPipe& pipe : pipes) {
                WakeReader(pipe);
                WakeWriter(pipe);
            }
        }
        void WakeReader(MemoryPipe& pipe) {
            if (pipe.reader && (!pipe.bytes.empty() || pipe.finished || reset_error != 0)) {
                Wake(pipe.reader);
            }
        }
        void WakeWriter(MemoryPipe& pipe) {
            if (pipe.writer && (pipe.bytes.size() < pipe.capacity || pipe.broken || reset_error != 0)) {
                Wake(pipe.writer);
            }
        }
        // Changes what fits into a direction and wakes its writer when there is room now.
        void SetCapacity(int direction, size_t capacity) {
            pipes[direction].capacity = capacity;
            WakeWriter(pipes[direction]);
        }
        int reset_error = 0;

      private:
        // From the loop, never from inside a call.
        void Wake(std::function<void()>& waiting) { scheduler->Post(std::exchange(waiting, nullptr)); }
    };

    MemoryStream(std::shared_ptr<Wire> wire, int end) : wire_(std::move(wire)), end_(end) {}
    ~MemoryStream() override { Close(); }

    IoResult Read(std::span<char> into) noexcept override {
        MemoryPipe& pipe = in();
        if (closed_ || wire_->reset_error != 0) {
            return Failure(closed_ ? EBADF : wire_->reset_error);
        }
        if (pipe.bytes.empty()) {
            return {pipe.finished ? IoResult::Status::kEnd : IoResult::Status::kWouldBlock};
        }
        const size_t n = std::min({into.size(), pipe.bytes.size(), pipe.max_per_read});
        std::memcpy(into.data(), pipe.bytes.data(), n);
        pipe.bytes.erase(0, n);
        wire_->WakeWriter(pipe);
        return {IoResult::Status::kOk, n, 0};
    }

    IoResult Write(std::span<const iovec> parts) noexcept override {
        MemoryPipe& pipe = out();
        if (closed_ || pipe.finished || pipe.broken || wire_->reset_error != 0) {
            return Failure(closed_ ? EBADF : wire_->reset_error != 0 ? wire_->reset_error : EPIPE);
        }
        size_t room = pipe.capacity > pipe.bytes.size() ? pipe.capacity - pipe.bytes.size() : 0;
        room = std::min(room, pipe.max_per_write);
        if (room == 0) {
            return {IoResult::Status::kWouldBlock};
        }
        size_t taken = 0;
        for (const iovec& part : parts) {
            const size_t n = std::min(part.iov_len, room - taken);
            pipe.bytes.append(static_cast<const char*>(part.iov_base), n);
            taken += n;
        }
        ++pipe.writes;
        wire_->WakeReader(pipe);
        return {IoResult::Status::kOk, taken, 0};
    }

    void WaitReadable(std::function<void()> ready) override {
        in().reader = Guarded(std::move(ready), reader_turn_);
        wire_->WakeReader(in());
    }
    void WaitWritable(std::function<void()> ready) override {
        out().writer = Guarded(std::move(ready), writer_turn_);
        wire_->WakeWriter(out());
    }
    void CancelWaits() noexcept override {
        reader_turn_ = nullptr;
        writer_turn_ = nullptr;
        in().reader = nullptr;
        out().writer = nullptr;
    }
    void ShutdownWrite() noexcept override {
        out().finished = true;
        wire_->WakeReader(out());
    }
    void Close() noexcept override {
        if (std::exchange(closed_, true)) {
            return;
        }
        CancelWaits();
        ShutdownWrite();
        in().broken = true;
        wire_->WakeWriter(in());
    }
    bool secure() const noexcept override { return false; }
    const std::string& remote_address() const override { return remote_; }
    const std::string& local_address() const override { return local_; }
    std::string last_error() const override { return error_ == 0 ? "" : ErrorText(error_); }

    bool closed() const { return closed_; }
    Wire& wire() { return *wire_; }

    // ---- for tests that play the peer ----
    void WriteAll(std::string_view bytes) {
        const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
        Write({&part, 1});
    }
    std::string ReadAll() {
        std::string out;
        char chunk[4096];
        for (IoResult result = Read(chunk); result.status == IoResult::Status::kOk; result = Read(chunk)) {
            out.append(chunk, result.bytes);
        }
        return out;
    }
    // Everything that the other end has sent is read, and it has said goodbye.
    bool at_end() { return in().bytes.empty() && in().finished; }

  private:
    MemoryPipe& out() noexcept { return wire_->pipes[end_]; }
    MemoryPipe& in() noexcept { return wire_->pipes[1 - end_]; }
    IoResult Failure(int error) noexcept {
        error_ = error;
        return {IoResult::Status::kFailed, 0, error};
    }
    // A callback that a later wait, a cancel or the end of this stream switches off even when it is posted
    // already.
    std::function<void()> Guarded(std::function<void()> ready, std::shared_ptr<int>& turn) {
        turn = std::make_shared<int>(0);
        return [ready = std::move(ready), alive = std::weak_ptr<int>(turn)] {
            if (!alive.expired()) {
                ready();
            }
        };
    }

    std::shared_ptr<Wire> wire_;
    int end_;
    bool closed_ = false;
    int error_ = 0;
    std::shared_ptr<int> reader_turn_;
    std::shared_ptr<int> writer_turn_;
    std::string remote_ = "memory:1";
    std::string local_ = "memory:0";
};

// Two connected ends. wire().pipes[0] leads from the first to the second.
inline std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>> MakeMemoryPair(
    Scheduler& scheduler) {
    auto wire = std::make_shared<MemoryStream::Wire>(scheduler);
    return {std::make_unique<MemoryStream>(wire, 0), std::make_unique<MemoryStream>(wire, 1)};
}

// What goes wrong at one Read or Write of the streams that share it, and how many there were. Owned by the
// test, outlives the streams.
struct Fault {
    enum class Kind : uint8_t {
        kReset,  // the connection breaks: this call and all after it on this stream fail with ECONNRESET
        kEnd,    // the peer has hung up: reads of this stream end, writes fail with EPIPE
        kStall,  // this call alone would block
    };
    Kind kind = Kind::kReset;
    size_t at = 0;          // counted from 1; 0: never
    size_t operations = 0;  // so far

    bool reached() const noexcept { return at != 0 && operations >= at; }
};

// Passes everything on but for the fault: a test that runs its scenario for at = 1, 2, 3 ... until the fault
// is no longer reached sees every place where a connection can break.
class FailingStream final : public Stream {
  public:
    FailingStream(std::unique_ptr<Stream> inner, Fault& fault) : inner_(std::move(inner)), fault_(fault) {}

    IoResult Read(std::span<char> into) noexcept override {
        if (!Fails()) {
            return inner_->Read(into);
        }
        return fault_.kind == Fault::Kind::kEnd ? IoResult{IoResult::Status::kEnd} : Failure(ECONNRESET);
    }
    IoResult Write(std::span<const iovec> parts) noexcept override {
        if (!Fails()) {
            return inner_->Write(parts);
        }
        return Failure(fault_.kind == Fault::Kind::kEnd ? EPIPE : ECONNRESET);
    }
    void WaitReadable(std::function<void()> ready) override { inner_->WaitReadable(std::move(ready)); }
    void WaitWritable(std::function<void()> ready) override { inner_->WaitWritable(std::move(ready)); }
    void CancelWaits() noexcept override { inner_->CancelWaits(); }
    void ShutdownWrite() noexcept override { inner_->ShutdownWrite(); }
    void Close() noexcept override { inner_->Close(); }
    bool secure() const noexcept override { return inner_->secure(); }
    const std::string& remote_address() const override { return inner_->remote_address(); }
    const std::string& local_address() const override { return inner_->local_address(); }
    std::string last_error() const override { return error_ != 0 ? ErrorText(error_) : inner_->last_error(); }

  private:
    bool Fails() noexcept {
        const bool now = ++fault_.operations == fault_.at;
        broken_ |= now && fault_.kind != Fault::Kind::kStall;
        return now || broken_;
    }
    IoResult Failure(int error) noexcept {
        if (fault_.kind == Fault::Kind::kStall) {
            return {IoResult::Status::kWouldBlock};
        }
        error_ = error;
        return {IoResult::Status::kFailed, 0, error};
    }

    std::unique_ptr<Stream> inner_;
    Fault& fault_;
    bool broken_ = false;
    int error_ = 0;
};

}  // namespace haumea::io::testing
