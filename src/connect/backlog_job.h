#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connect/backlog.h"
#include "store/message_log.h"

namespace haumea::connect {

// Used on the disk thread only, one job at a time.
struct Backlog::Disk {
    std::string path;
    std::function<void()> before_open;  // once
    std::unique_ptr<store::MessageLog> log;
};

// One visit of the disk thread: in, then out.
struct Backlog::Job {
    bool open = false;
    uint64_t forget_through = 0;
    std::vector<store::LoggedMessage> append;
    uint64_t read_from = 0;  // 0: nothing
    size_t read_messages = 0;
    bool only_reads = false;  // says nothing about whether the file can be written

    std::vector<store::LoggedMessage> loaded;
    bool was_read = false;
    uint64_t first = 0;
    uint64_t last = 0;
    uint64_t file_bytes = 0;
    uint64_t damaged = 0;  // messages that a damaged file has taken with it
    bool was_damaged = false;
    std::string error;
};

// Later, from the loop, unless the backlog has been closed or has gone by then.
template <typename Call>
void Backlog::Post(Call&& call) {
    loop_->Post([weak = weak_from_this(), call = std::forward<Call>(call)] {
        if (const auto self = weak.lock(); self && !self->closed_) {
            call(*self);
        }
    });
}

}  // namespace haumea::connect
