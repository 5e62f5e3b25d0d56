"""What is looked at rather than optimised: pictures of samples and reconstructions."""
