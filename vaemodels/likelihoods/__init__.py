"""Likelihoods p(x|z): how a decoder's output and an image fit together."""

from vaemodels.likelihoods.base import AbstractLikelihood as AbstractLikelihood
from vaemodels.likelihoods.bernoulli import BernoulliLikelihood as BernoulliLikelihood
from vaemodels.likelihoods.gaussian import GaussianLikelihood as GaussianLikelihood
