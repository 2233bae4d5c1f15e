#include "registry/etcd/client.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/interruption.h"
#include "registry/etcd/answer.h"

namespace dsfailover {

namespace {

constexpr int kRounds = 2;
constexpr Millis kPause{500};
constexpr Millis kLeastTimeout{2000};

/// gRPC's status codes.
enum GrpcCode {
    kInvalidArgument = 3,
    kDeadlineExceeded = 4,
    kPermissionDenied = 7,
    kUnavailable = 14,
    kUnauthenticated = 16,
};

/// What is taken of one answer, in bytes: a server that never ends one must not fill the memory.
constexpr std::size_t kLongestAnswer = 64 << 20;
constexpr std::string_view kTooLong = "answers more than 64 MB at once";

/// Anything but the size of what came ends the transfer.
std::size_t append(char* bytes, std::size_t size, std::size_t count, void* target) {
    auto& answer = *static_cast<std::string*>(target);
    if (answer.size() + size * count > kLongestAnswer) return 0;
    answer.append(bytes, size * count);
    return size * count;
}

void set(CURL* handle, CURLoption option, long value) { curl_easy_setopt(handle, option, value); }

void set(CURL* handle, CURLoption option, const std::string& value) {
    curl_easy_setopt(handle, option, value.c_str());
}

/// When a kept connection turns out to be broken libcurl sends the request again by itself; of a
/// write nobody would know then whether it happened twice.
void send_once(CURL* handle) { set(handle, CURLOPT_FRESH_CONNECT, 1L); }

/// Ends a transfer once a signal arrived.
int stop_when_interrupted(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return interruption_requested() ? 1 : 0;
}

struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

/// What came of one request to one endpoint.
struct EtcdClient::Answer {
    bool sent = false;      ///< it may have reached the server
    bool answered = false;  ///< the server answered, as an etcd does
    bool too_long = false;  ///< so much that it was cut off
    long status = 0;
    Json body;
    std::string problem;  ///< empty: the answer is good

    std::int64_t code() const { return etcd_code(body); }
    bool says(std::string_view text) const { return problem.find(text) != std::string::npos; }
    bool token_is_old() const {
        return code() == kUnauthenticated || says("invalid auth token") ||
               says("revision of auth store is old");
    }
    /// The endpoint cannot work at the moment; another might.
    bool unavailable() const {
        return !answered || code() == kUnavailable || code() == kDeadlineExceeded;
    }
};

/// What must outlive a running request.
struct EtcdClient::Transfer {
    std::string url;
    std::string body;
    std::string answer;
    std::unique_ptr<curl_slist, FreeList> headers;
    char problem[CURL_ERROR_SIZE] = "";

    Answer finish(CURL* handle, CURLcode code);
};

EtcdClient::Answer EtcdClient::Transfer::finish(CURL* handle, CURLcode code) {
    Answer done;
    long request_size = 0;
    curl_easy_getinfo(handle, CURLINFO_REQUEST_SIZE, &request_size);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &done.status);
    done.sent = request_size > 0;
    done.answered = code == CURLE_OK;
    if (code == CURLE_WRITE_ERROR) {
        done.too_long = done.answered = true;
        done.problem = kTooLong;
        return done;
    }
    if (code != CURLE_OK) {
        done.problem = problem[0] != '\0' ? problem : curl_easy_strerror(code);
        return done;
    }
    done.body = etcd_answer(answer);
    done.problem = etcd_problem(done.status, done.body);
    if (!is_etcd_answer(done.body)) {
        done.body = Json();
        done.answered = false;
    }
    return done;
}

EtcdClient::EtcdClient(const RegistrySettings& settings, Millis request_timeout)
    : settings_(settings), request_timeout_(request_timeout) {
    static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
    handle_.reset(initialized == CURLE_OK ? curl_easy_init() : nullptr);
    multi_.reset(initialized == CURLE_OK ? curl_multi_init() : nullptr);
    if (!handle_ || !multi_)
        throw RegistryError(RegistryError::Kind::other, "libcurl cannot be started");
    for (const std::string& host : settings.hosts)
        endpoints_.push_back((settings.tls ? "https://" : "http://") + host);
    if (endpoints_.empty())
        throw RegistryError(RegistryError::Kind::other, "etcd: no endpoint was given");
}

std::string EtcdClient::endpoint() const { return fmt::format("{}", fmt::join(endpoints_, ",")); }

Millis EtcdClient::endpoint_timeout() const {
    return std::max(request_timeout_ / static_cast<int>(endpoints_.size()), kLeastTimeout);
}

void EtcdClient::limit_time(CURL* handle) const {
    set(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(endpoint_timeout().count()));
}

void EtcdClient::prepare(CURL* handle, Transfer& transfer, const std::string& method,
                         const std::string& body) {
    transfer.url = endpoints_[current_] + "/v3/" + method;
    transfer.body = body;
    curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    if (!token_.empty()) headers = curl_slist_append(headers, ("Authorization: " + token_).c_str());
    transfer.headers.reset(headers);

    curl_easy_reset(handle);
    set(handle, CURLOPT_URL, transfer.url);
    set(handle, CURLOPT_PROTOCOLS_STR, settings_.tls ? "https" : "http");
    // An environment's proxy is for the world outside, not for the cluster's registry.
    set(handle, CURLOPT_PROXY, "");
    set(handle, CURLOPT_NOSIGNAL, 1L);
    set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
    set(handle, CURLOPT_CONNECTTIMEOUT_MS,
        static_cast<long>(std::min(settings_.connect_timeout, endpoint_timeout()).count()));
    set(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(transfer.body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, transfer.body.data());
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, transfer.headers.get());
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer.answer);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, transfer.problem);
    if (!settings_.ca.empty()) set(handle, CURLOPT_CAINFO, settings_.ca);
    if (!settings_.cert.empty()) set(handle, CURLOPT_SSLCERT, settings_.cert);
    if (!settings_.key.empty()) set(handle, CURLOPT_SSLKEY, settings_.key);
}

EtcdClient::Answer EtcdClient::post(const std::string& method, const std::string& body,
                                    Access access) {
    Transfer transfer;
    prepare(handle_.get(), transfer, method, body);
    limit_time(handle_.get());
    if (access == Access::write) send_once(handle_.get());
    if (interruptible_) {
        set(handle_.get(), CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(handle_.get(), CURLOPT_XFERINFOFUNCTION, stop_when_interrupted);
    }
    Answer answer = transfer.finish(handle_.get(), curl_easy_perform(handle_.get()));
    if (interruptible_ && !answer.answered) check_interruption();
    return answer;
}

Json EtcdClient::call(Access access, const std::string& method, const Json& request,
                      const std::string& doing) {
    const std::string body = request.dump();
    std::vector<std::string> problems;
    bool authenticated_again = false;
    const auto deadline = std::chrono::steady_clock::now() + request_timeout_;
    for (std::size_t tries = 0; tries < kRounds * endpoints_.size(); ++tries) {
        if (tries > 0 && std::chrono::steady_clock::now() >= deadline) break;
        if (tries == endpoints_.size()) std::this_thread::sleep_for(kPause);
        if (needs_authentication()) authenticate();
        Answer answer = post(method, body, access);
        if (answer.problem.empty()) return std::move(answer.body);
        if (answer.token_is_old() && !authenticated_again && !settings_.user.empty()) {
            authenticated_again = true;
            token_.clear();
            continue;
        }
        if (answer.too_long && access == Access::read)
            throw EtcdAnswerTooLong(fmt::format("etcd at {}, {}: {}; check --registry",
                                                endpoints_[current_], doing, answer.problem));
        if (!answer.unavailable() && !answer.too_long) throw refusal(answer, doing);
        if (access == Access::write && answer.sent)
            throw RegistryError(RegistryError::Kind::outcome_unknown,
                                fmt::format("etcd at {}, {}: {}; whether it happened is unknown",
                                            endpoints_[current_], doing, answer.problem));
        std::string problem = fmt::format("{}: {}", endpoints_[current_], answer.problem);
        if (std::find(problems.begin(), problems.end(), problem) == problems.end())
            problems.push_back(std::move(problem));
        next_endpoint();
    }
    throw RegistryError(RegistryError::Kind::unreachable,
                        fmt::format("etcd cannot be reached, {}: {}; check --registry", doing,
                                    fmt::join(problems, "; ")));
}

void EtcdClient::authenticate() {
    const Json request = {{"name", settings_.user}, {"password", settings_.password.reveal()}};
    const std::string body = request.dump();
    const Answer answer = post("auth/authenticate", body, Access::read);
    if (answer.problem.empty()) {
        token_ = etcd_text(answer.body, "token");
        if (!token_.empty()) return;
    }
    // An endpoint that does not answer is found again, and skipped, by the call itself.
    if (answer.unavailable()) return;
    if (answer.says("authentication is not enabled"))
        throw RegistryError(RegistryError::Kind::denied,
                            fmt::format("etcd at {} has no authentication enabled; leave out the "
                                        "registry's user {}",
                                        endpoints_[current_], settings_.user));
    throw refusal(answer, "authenticating as " + settings_.user);
}

RegistryError EtcdClient::refusal(const Answer& answer, const std::string& doing) const {
    const bool denied = answer.code() == kPermissionDenied || answer.code() == kUnauthenticated ||
                        answer.says("authentication failed") || answer.says("user name is empty");
    std::string way_out;
    if (denied)
        way_out = settings_.user.empty()
                      ? "; give --registry-user and --registry-password-file"
                      : fmt::format("; check what the user {} may do", settings_.user);
    return {
        denied ? RegistryError::Kind::denied : RegistryError::Kind::other,
        fmt::format("etcd at {}, {}: {}{}", endpoints_[current_], doing, answer.problem, way_out)};
}

struct EtcdClient::Pending::State {
    State(EtcdClient& client_used, std::string doing_what)
        : client(client_used), doing(std::move(doing_what)) {}

    EtcdClient& client;
    const std::string doing;
    Transfer transfer;
    std::unique_ptr<CURL, CloseHandle> handle{curl_easy_init()};
    Access access = Access::read;
    std::optional<CURLcode> done;
};

EtcdClient::Pending::Pending(std::unique_ptr<State> state) : state_(std::move(state)) {
    CURL* handle = state_->handle.get();
    curl_easy_setopt(handle, CURLOPT_PRIVATE, state_.get());
    CURLM* multi = state_->client.multi_.get();
    curl_multi_add_handle(multi, handle);
    int running = 0;
    curl_multi_perform(multi, &running);
}

EtcdClient::Pending::~Pending() {
    curl_multi_remove_handle(state_->client.multi_.get(), state_->handle.get());
}

/// Tells calls that have come to an end.
void EtcdClient::take_done() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        Pending::State* state = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &state);
        state->done = message->data.result;
    }
}

std::optional<Json> EtcdClient::Pending::poll(Millis duration) {
    CURLM* multi = state_->client.multi_.get();
    int running = 0;
    curl_multi_perform(multi, &running);
    state_->client.take_done();
    if (!state_->done && running > 0) {
        curl_multi_poll(multi, nullptr, 0, static_cast<int>(duration.count()), nullptr);
        curl_multi_perform(multi, &running);
        state_->client.take_done();
    }
    if (!state_->done) return std::nullopt;

    Answer answer = state_->transfer.finish(state_->handle.get(), *state_->done);
    if (answer.problem.empty()) return std::move(answer.body);
    const bool unknown = state_->access == Access::write && answer.sent;
    if (!answer.unavailable() && !(unknown && answer.too_long))
        throw state_->client.refusal(answer, state_->doing);
    throw RegistryError(
        unknown ? RegistryError::Kind::outcome_unknown : RegistryError::Kind::unreachable,
        fmt::format("etcd at {}, {}: {}", state_->transfer.url, state_->doing, answer.problem));
}

Json EtcdClient::Pending::wait() {
    for (;;)
        if (auto answer = poll(kPause)) return *std::move(answer);
}

std::unique_ptr<EtcdClient::Pending> EtcdClient::start(const std::string& method,
                                                       const Json& request,
                                                       const std::string& doing) {
    auto state = std::make_unique<Pending::State>(*this, doing);
    prepare(state->handle.get(), state->transfer, method, request.dump());
    return std::unique_ptr<Pending>(new Pending(std::move(state)));
}

std::unique_ptr<EtcdClient::Pending> EtcdClient::start_write(const std::string& method,
                                                             const Json& request,
                                                             const std::string& doing) {
    auto state = std::make_unique<Pending::State>(*this, doing);
    state->access = Access::write;
    prepare(state->handle.get(), state->transfer, method, request.dump());
    limit_time(state->handle.get());
    send_once(state->handle.get());
    return std::unique_ptr<Pending>(new Pending(std::move(state)));
}

}  // namespace dsfailover
