#include "io/resolver.h"

#include <netdb.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/error_text.h"

namespace haumea::io {
namespace {

constexpr int kMaxLookups = 16;

// Look-ups under way in the whole process: hung name servers must not pile threads up.
std::atomic<int>& LookupsUnderWay() {
    static std::atomic<int> count{0};
    return count;
}

// In words, with the remedy.
std::string LookupProblem(int error, int system_error) {
    switch (error) {
        case EAI_NONAME:
        case EAI_NODATA:
            return "no such host, check the spelling";
        case EAI_AGAIN:
            return "the name servers cannot be reached or do not answer, check the network and "
                   "/etc/resolv.conf";
        case EAI_FAIL:
            return "the name servers have failed";
        case EAI_SYSTEM:
            return ErrorText(system_error);
        default:
            return gai_strerror(error);
    }
}

Result<std::vector<SocketAddress>> Lookup(const std::string& host, uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (error == EAI_NONAME || error == EAI_ADDRFAMILY || error == EAI_NODATA) {
        // On a machine that has loopback only, ADDRCONFIG hides even "localhost".
        hints.ai_flags = 0;
        error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
    }
    if (error != 0) {
        return Failf("host name \"{}\": {}", host, LookupProblem(error, errno));
    }
    std::vector<SocketAddress> addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        addresses.emplace_back(entry->ai_addr, entry->ai_addrlen).set_port(port);
    }
    freeaddrinfo(found);
    return addresses;
}

}  // namespace

struct Resolver::Job {
    std::mutex mutex;      // protects loop
    Loop* loop = nullptr;  // null once cancelled
    Callback done;         // home loop only

    // Any thread. The callback runs on the loop unless the look-up was cancelled meanwhile.
    static void Finish(const std::shared_ptr<Job>& job, Result<std::vector<SocketAddress>> result) {
        const std::lock_guard lock(job->mutex);
        if (job->loop != nullptr) {
            job->loop->Post([job, result = std::move(result)]() mutable {
                if (const auto callback = std::exchange(job->done, nullptr)) {
                    callback(std::move(result));
                }
            });
        }
    }
};

Resolver::Resolver(Loop& loop, const std::string& host, uint16_t port, Callback done)
    : job_(std::make_shared<Job>()) {
    job_->loop = &loop;
    job_->done = std::move(done);
    if (const auto literal = SocketAddress::Parse(host, port)) {
        Job::Finish(job_, std::vector{*literal});
        return;
    }
    if (host.empty() || LookupsUnderWay().fetch_add(1) >= kMaxLookups) {
        if (host.empty()) {
            Job::Finish(job_, Failf("the host name is empty"));
            return;
        }
        LookupsUnderWay().fetch_sub(1);
        Job::Finish(job_, Failf("host name \"{}\": too many look-ups wait for the name servers", host));
        return;
    }
    try {
        std::thread([job = job_, host, port] {
            Job::Finish(job, Lookup(host, port));
            LookupsUnderWay().fetch_sub(1);
        }).detach();
    } catch (const std::system_error& error) {
        LookupsUnderWay().fetch_sub(1);
        Job::Finish(job_, Failf("host name \"{}\": no thread for the look-up: {}", host, error.what()));
    }
}

Resolver::~Resolver() {
    const Callback dropped = std::exchange(job_->done, nullptr);
    const std::lock_guard lock(job_->mutex);
    job_->loop = nullptr;
}

}  // namespace haumea::io
