// The responder on Asio, its own or Boost's: one io_context that all workers
// run, sessions of callbacks.
#include "http.h"

#include <sys/socket.h>
#include <thread>
#include <vector>

#if __has_include(<asio.hpp>)
#include <asio.hpp>
using asio::error_code;
#else
#include <boost/asio.hpp>
namespace asio = boost::asio;
using boost::system::error_code;
#endif

using asio::ip::tcp;

namespace
{

class session
{
  public:
    explicit session(tcp::socket s) : socket(std::move(s))
    {
    }

    // Deletes itself when the connection has ended.
    void read()
    {
        std::size_t size;
        char *to = http_room(&in, &size);
        socket.async_read_some(asio::buffer(to, size),
                               [this](error_code failed, std::size_t n) {
                                   if (failed)
                                       delete this;
                                   else
                                       answer(n);
                               });
    }

  private:
    void answer(std::size_t n)
    {
        in.to += static_cast<uint32_t>(n);
        int answers = http_answers(&in);
        if (answers < 0)
            delete this;
        else if (answers == 0)
            read();
        else
            write(static_cast<std::size_t>(answers) * HTTP_ANSWER);
    }

    void write(std::size_t size)
    {
        asio::async_write(socket, asio::buffer(http_text, size),
                          [this](error_code failed, std::size_t) {
                              if (failed)
                                  delete this;
                              else
                                  read();
                          });
    }

    tcp::socket socket;
    http_input in{};
};

void accept_all(tcp::acceptor &acceptor)
{
    acceptor.async_accept([&acceptor](error_code failed, tcp::socket socket) {
        if (!failed)
            (new session(std::move(socket)))->read();
        accept_all(acceptor);
    });
}

} // namespace

int main(int argc, char **argv)
{
    http_options options = http_open(argc, argv);
    asio::io_context context(options.workers);
    int fd = http_listen(&options.port, SOCK_NONBLOCK);
    tcp::acceptor acceptor(context, tcp::v4(), fd);
    accept_all(acceptor);
    http_ready(options.port);
    std::vector<std::thread> threads;
    for (int i = 1; i < options.workers; i++)
        threads.emplace_back([&context] { context.run(); });
    context.run();
}
